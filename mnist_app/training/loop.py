"""The only training loop, which everything uses: a generator of events."""

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

import torch
from torch import nn

from mnist_app.common.errors import TrainingError
from mnist_app.common.memory import keep_freed_memory
from mnist_app.data.labelled_images import Digits
from mnist_app.networks import models
from mnist_app.recipes.recipe import Recipe
from mnist_app.training.averaging import RunningMean
from mnist_app.training.batches import Batches, seed_of_epoch
from mnist_app.training.best_epoch import EarlyStopping
from mnist_app.training.calibration import Calibration, calibrate
from mnist_app.training.checkpoint import Checkpoint, make_checkpoint, restore_checkpoint
from mnist_app.training.device import best_device, random_source
from mnist_app.training.evaluation import evaluate, logits_of
from mnist_app.training.events import BatchEvent, EndEvent, EpochEvent, Event
from mnist_app.training.optimizers import learning_rate_at, make_optimizer
from mnist_app.training.state import TrainingState
from mnist_app.training.step import TrainingStep

SECONDS_BETWEEN_EVENTS = 0.25


def _never() -> bool:
    return False


def train(
    recipe: Recipe,
    digits_train: Digits,
    digits_val: Digits,
    digits_test: Digits | None = None,
    *,
    device: torch.device | None = None,
    should_stop: Callable[[], bool] = _never,
    resume: Checkpoint | None = None,
) -> Iterator[Event]:
    """Train a network by a recipe; the same seed, machine and thread count give the same curve.

    Arguments, events and errors are the same as for `Trainer`, which also provides the weights and
    a checkpoint between two events.
    """
    trainer = Trainer(
        recipe,
        digits_train,
        digits_val,
        digits_test,
        device=device,
        should_stop=should_stop,
        resume=resume,
    )
    yield from trainer.events()


class Trainer:
    """Trains a network by a recipe. Uses and sets torch's global random state.

    Between two events, the weights can be read from `network` and a checkpoint can be made.

    Args:
        recipe: what to train and how.
        digits_train: the training images.
        digits_val: the validation images, used after every epoch. They also choose the best epoch
            if the recipe stops early, and calibrate the confidence.
        digits_test: the test images, read once, at the end. They are not read if training is
            stopped: someone who saw their result and then resumed would be choosing by them.
        device: where to compute; default `best_device()`.
        should_stop: called before every batch.
        resume: a checkpoint of this recipe and data; the curve continues as if never interrupted.
    Attributes:
        state: the network, its optimizer, and how far training has come.
    """

    def __init__(
        self,
        recipe: Recipe,
        digits_train: Digits,
        digits_val: Digits,
        digits_test: Digits | None = None,
        *,
        device: torch.device | None = None,
        should_stop: Callable[[], bool] = _never,
        resume: Checkpoint | None = None,
    ) -> None:
        keep_freed_memory()  # not earlier: memory used to prepare the data should be freed
        self.recipe, self.device = recipe, device or best_device()
        self._validation, self._test, self._should_stop = digits_val, digits_test, should_stop
        self._batches = Batches(recipe, digits_train, self.device)
        self._prepare_network()
        # The state to return to if the weights blow up. The network may be ruined some epochs
        # before its loss stops being finite.
        self._last_good = resume
        if resume:
            restore_checkpoint(self.state, resume)
        self._started = self._last_event = time.perf_counter()
        self._batches_here = 0  # batches trained since then

    def _prepare_network(self) -> None:
        torch.backends.cudnn.deterministic = True
        torch.manual_seed(self.recipe.seed)
        model = models.from_recipe(self.recipe).to(self.device)
        model = model.to(memory_format=torch.channels_last)
        self._mean = RunningMean(model, self.recipe.averaging) if self.recipe.averaging else None
        self.state = TrainingState(
            model=model,
            network=self._mean.network if self._mean else model,
            optimizer=make_optimizer(self.recipe, model),
            stopping=EarlyStopping(self.recipe.early_stopping),
        )
        self._step = TrainingStep(self.recipe, self.state)

    @property
    def network(self) -> nn.Sequential:
        """The network in its current state; with averaging, the running mean."""
        return self.state.network

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing left to train."""
        return len(self.state.history) >= self.recipe.epochs or self._stops_early

    @property
    def _stops_early(self) -> bool:
        return self.state.stopping.is_due(len(self.state.history))

    def checkpoint(self) -> Checkpoint:
        """Return a copy of everything needed to resume from here."""
        return make_checkpoint(self.state)

    def events(self) -> Iterator[Event]:
        """Train to the end.

        Yields:
            BatchEvent a few times a second, EpochEvent after each epoch, and finally one EndEvent.
            If training diverges, the EndEvent describes the epoch with the lowest validation loss,
            or the checkpoint from which training resumed.
        Raises:
            TrainingError: training diverged, and there is no earlier state to return to.
        """
        try:
            is_stopped = False
            while not (is_stopped or self.is_complete):
                is_stopped = yield from self._train_epoch()
                if not is_stopped:
                    yield self._close_epoch()
            end = self._end("stopped" if is_stopped else self._reason)
        except TrainingError as error:
            if not self._go_back():
                raise
            end = replace(self._end("diverged"), problem=str(error))
        yield end

    @property
    def _reason(self) -> str:
        return "early" if self._stops_early else "finished"

    # One epoch

    def _train_epoch(self) -> Generator[BatchEvent, None, bool]:
        """Train the rest of the current epoch; return whether it was stopped."""
        batches = self._batches.of_epoch(self.state.epoch, self.state.batch)
        self._seed_epoch()
        self.state.model.train()
        begin = time.perf_counter()
        for images, labels in batches:
            if self._should_stop():
                self._settle(begin)
                self.state.random_state = random_source(self.device).get_rng_state()
                return True
            self._train_batch(images, labels)
            if time.perf_counter() - self._last_event >= SECONDS_BETWEEN_EVENTS:
                self._settle(begin)
                yield self._batch_event()
                begin = self._last_event = time.perf_counter()
        self._settle(begin)
        return False

    def _seed_epoch(self) -> None:
        torch.manual_seed(seed_of_epoch(self.recipe.seed, self.state.epoch))
        if self.state.random_state is not None:
            random_source(self.device).set_rng_state(self.state.random_state.cpu())
            self.state.random_state = None

    def _train_batch(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        state, batches = self.state, len(self._batches)
        rate = learning_rate_at(self.recipe, state.epoch, state.batch / batches)
        loss, logits = self._step.learn(images, labels, rate)
        if self._mean:
            self._mean.update(len(state.history) * batches + state.batch)
        state.running.add(loss, logits, labels)
        state.batch += 1
        self._batches_here += 1

    def _settle(self, begin: float) -> None:
        """Add up the loss, the right answers, and the seconds since `begin`."""
        self.state.running.settle()
        self.state.epoch_seconds += time.perf_counter() - begin

    def _batch_event(self) -> BatchEvent:
        state, batches = self.state, len(self._batches)
        loss, accuracy = self._training_figures()
        left = (self.recipe.epochs - state.epoch + 1) * batches - state.batch
        return BatchEvent(
            epoch=state.epoch,
            epochs=self.recipe.epochs,
            batch=state.batch,
            batches=batches,
            loss=loss,
            accuracy=accuracy,
            images_per_second=self._images_per_second,
            seconds_left=(time.perf_counter() - self._started) / self._batches_here * left,
        )

    def _close_epoch(self) -> EpochEvent:
        """Validate, and add the finished epoch to the history."""
        state, batches = self.state, len(self._batches)
        loss, accuracy = self._training_figures()
        validation = evaluate(state.network, self._validation, self.recipe)
        if not math.isfinite(validation.loss):
            raise self._divergence("the validation loss")
        event = EpochEvent(
            epoch=state.epoch,
            seconds=state.epoch_seconds,
            train_loss=loss,
            train_accuracy=accuracy,
            val_loss=validation.loss,
            val_accuracy=validation.accuracy,
            learning_rate=learning_rate_at(self.recipe, state.epoch, (batches - 1) / batches),
            images_per_second=self._images_per_second,
        )
        state.close_epoch(event)
        if state.is_best_so_far:
            self._last_good = self.checkpoint()
        return event

    def _training_figures(self) -> tuple[float, float]:
        """Return loss and accuracy over the current epoch so far."""
        seen = self._batches.images_in(self.state.batch)
        loss = self.state.running.loss / seen
        if not math.isfinite(loss):
            raise self._divergence("the loss")
        return loss, self.state.running.right / seen

    @property
    def _images_per_second(self) -> float:
        seen = self._batches.images_in(self.state.batch)
        return seen / max(self.state.epoch_seconds, 1e-9)

    # The end

    def _end(self, reason: str) -> EndEvent:
        """Load the best weights, if early stopping kept them, and measure the network."""
        state, best = self.state, self.state.stopping.best
        checkpoint = self.checkpoint()
        if best and state.is_trained:
            state.network.load_state_dict(best.weights)
        state.network.eval()
        calibration = self._calibrate()
        test = self._test if reason != "stopped" else None
        measured = evaluate(state.network, test, self.recipe) if test else None
        return EndEvent(
            reason=reason,
            epochs=len(state.history),
            best_epoch=best.epoch if best else None,
            seconds=sum(event.seconds for event in state.history) + state.epoch_seconds,
            val_accuracy=calibration.overall_accuracy,
            val_n=calibration.n,
            test_accuracy=measured.accuracy if measured else None,
            test_loss=measured.loss if measured else None,
            n=measured.n if measured else 0,
            calibration=calibration,
            is_trained=state.is_trained,
            recipe=self.recipe,
            network=state.network,
            history=tuple(state.history),
            device=self.device.type,
            checkpoint=checkpoint,
        )

    def _calibrate(self) -> Calibration:
        logits = logits_of(self.state.network, self._validation.images).cpu()
        if not logits.isfinite().all():
            raise self._divergence("the network's answers")
        return calibrate(logits, self._validation.labels, self.recipe)

    # Divergence

    def _divergence(self, what: str) -> TrainingError:
        epoch = self.state.epoch
        rate = max(self.recipe.learning_rate, learning_rate_at(self.recipe, epoch, 0.0))
        return TrainingError(
            f"By epoch {epoch}, batch {self.state.batch}, {what} is no finite number: choose a "
            f"lower learning rate than {rate:g}."
        )

    def _go_back(self) -> bool:
        """Restore the last good state; return False if nothing had been trained by then."""
        if self._last_good:
            restore_checkpoint(self.state, self._last_good)
        return bool(self._last_good) and self.state.is_trained
