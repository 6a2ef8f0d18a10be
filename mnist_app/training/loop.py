"""THE training loop, one for everyone: a generator of events."""

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from mnist_app.common.errors import TrainingError
from mnist_app.common.memory import keep_freed_memory
from mnist_app.data import augmentation
from mnist_app.data.labelled_images import Digits, to_input
from mnist_app.networks import models
from mnist_app.recipes.recipe import Recipe
from mnist_app.training.calibration import calibrate
from mnist_app.training.checkpoint import Checkpoint
from mnist_app.training.evaluation import RunningMetrics, evaluate, logits_of, loss_of
from mnist_app.training.events import BatchEvent, EndEvent, EpochEvent, Event, to_json
from mnist_app.training.optimizers import (
    add_l1_gradient,
    learning_rate_at,
    make_optimizer,
    plain_step,
)

SECONDS_BETWEEN_EVENTS = 0.25
GATHERED = 2048  # images that are made ready at once


def best_device() -> torch.device:
    """CUDA where there is one, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def train(
    recipe: Recipe,
    digits_train: Digits,
    digits_val: Digits,
    digits_test: Digits | None = None,
    *,
    device: torch.device | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    resume: Checkpoint | None = None,
) -> Iterator[Event]:
    """Train a network by a recipe; the same seed, machine and thread count give the same curve.

    Args:
        recipe: what to train and how. Uses and sets torch's global random state.
        digits_train: the images to learn from.
        digits_val: the images that choose the epoch, if the recipe stops early.
        digits_test: read once, after the last epoch.
        device: where to compute; default `best_device()`.
        should_stop: asked between two batches.
        resume: a checkpoint of this recipe on these data; the curve goes on as it would have.
    Yields:
        BatchEvent a few times a second, EpochEvent after each epoch, one EndEvent at last. Where
        the loss becomes no finite number, the epoch of the lowest validation loss is kept.
    Raises:
        TrainingError: the loss is no finite number, and there is no epoch before that.
    """
    keep_freed_memory()  # from here on: what preparing the data took may go back
    state = TrainingState(recipe, digits_train, device or best_device(), resume)
    try:
        stopped = False
        while not (stopped or state.is_complete):
            stopped = yield from state.run_batches(should_stop)
            if not stopped:
                yield state.close_epoch(digits_val)
        end = state.end("stopped" if stopped else state.reason, digits_val, digits_test)
    except TrainingError as error:
        if not state.go_back():
            raise
        end = replace(state.end("diverged", digits_val, digits_test), problem=str(error))
    yield end


class TrainingState:
    """A network in training: weights, optimizer, and the place reached within the data."""

    def __init__(
        self, recipe: Recipe, digits: Digits, device: torch.device, resume: Checkpoint | None
    ) -> None:
        """`model` is trained; `network` is what comes of it: the same, or its running mean."""
        self.recipe, self.device = recipe, device
        torch.backends.cudnn.deterministic = True
        torch.manual_seed(recipe.seed)
        self.model = models.from_recipe(recipe).to(device, memory_format=torch.channels_last)
        self.network = copy.deepcopy(self.model) if recipe.averaging else self.model
        self.optimizer = make_optimizer(recipe, self.model)
        self._update = plain_step(self.optimizer)
        self._parameters = list(self.model.parameters())
        is_mixed = recipe.mixed_precision and computes_bfloat16(device)
        self.precision = torch.autocast(device.type, torch.bfloat16) if is_mixed else nullcontext()
        self.images, self.labels = digits.images.to(device), digits.labels.to(device)
        self.history: list[EpochEvent] = []
        self.best: tuple[int, float, dict[str, Tensor]] | None = None
        self.running = RunningMetrics()  # of the epoch in progress
        self.batch = 0  # batches done in the epoch in progress
        self.epoch_seconds = 0.0
        self._random_state: Tensor | None = None
        self._started = self._last_event = time.perf_counter()
        self._batches_here = 0
        # Where to return to if the weights blow up: for some epochs before the loss is no finite
        # number it may be finite and the network ruined.
        self._good = resume
        if resume:
            self._restore(resume)

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing left to train."""
        return len(self.history) >= self.recipe.epochs or self.reason == "early"

    @property
    def is_trained(self) -> bool:
        """Whether at least one batch was trained."""
        return bool(self.history or self.batch)

    @property
    def reason(self) -> str:
        """Why a complete training is complete: "finished" or "early"."""
        patience = self.recipe.early_stopping
        waited = len(self.history) - self.best[0] if self.best else 0
        return "early" if patience and waited >= patience else "finished"

    # One epoch

    def run_batches(self, should_stop: Callable[[], bool]) -> Iterator[BatchEvent]:
        """Train the rest of the epoch in progress; returns whether it was stopped."""
        epoch = len(self.history) + 1
        order = self._order(epoch)
        bounds = self._bounds(len(order))
        self._seed_epoch(epoch)
        self.model.train()
        mark = time.perf_counter()
        for (_, end), (images, labels) in self._batches(order, bounds[self.batch :]):
            if should_stop():
                self.running.settle()
                self.epoch_seconds += time.perf_counter() - mark
                self._random_state = self._get_random_state()
                return True
            rate = learning_rate_at(self.recipe, epoch, self.batch / len(bounds))
            self._step(images, labels, rate)
            if time.perf_counter() - self._last_event >= SECONDS_BETWEEN_EVENTS:
                self.running.settle()
                self.epoch_seconds += time.perf_counter() - mark
                yield self._batch_event(epoch, end, len(bounds))
                mark = self._last_event = time.perf_counter()
        self.running.settle()
        self.epoch_seconds += time.perf_counter() - mark
        return False

    def _batches(
        self, order: Tensor, bounds: list[tuple[int, int]]
    ) -> Iterator[tuple[tuple[int, int], tuple[Tensor, Tensor]]]:
        """The batches between the bounds, ready for the network: (B, 1, 28, 28), (B,).

        Several are gathered at once, as few large steps are quicker than many small ones.
        """
        several = max(1, GATHERED // self.recipe.batch_size)
        for first in range(0, len(bounds), several):
            group = bounds[first : first + several]
            begin = group[0][0]
            chosen = order[begin : group[-1][1]]
            x, labels = to_input(self.images[chosen]), self.labels[chosen]
            for start, end in group:
                part = slice(start - begin, end - begin)
                yield (start, end), (x[part], labels[part])

    def close_epoch(self, digits_val: Digits) -> EpochEvent:
        """Validate, and put the finished epoch into the history."""
        epoch, seen = len(self.history) + 1, self._bounds(self._epoch_images)[-1][1]
        loss, accuracy = self._running(seen, epoch)
        validation = evaluate(self.network, digits_val, self.recipe)
        if not math.isfinite(validation.loss):
            raise self._diverged("the validation loss", epoch)
        event = EpochEvent(
            epoch=epoch,
            seconds=self.epoch_seconds,
            train_loss=loss,
            train_accuracy=accuracy,
            val_loss=validation.loss,
            val_accuracy=validation.accuracy,
            learning_rate=learning_rate_at(self.recipe, epoch, self.share_of_last_batch),
            images_per_second=seen / max(self.epoch_seconds, 1e-9),
            state=self,
        )
        self.history.append(event)
        self.batch, self.epoch_seconds = 0, 0.0
        self.running = RunningMetrics()
        self._remember_best(event)
        if event.val_loss <= min(earlier.val_loss for earlier in self.history):
            self._good = self.checkpoint()
        return event

    def go_back(self) -> bool:
        """Return to the epoch of the lowest validation loss, or to where it was resumed; False if
        nothing was trained by then.
        """
        if self._good:
            self._restore(self._good)
        return bool(self._good) and self.is_trained

    @property
    def share_of_last_batch(self) -> float:
        """The share of an epoch at which its last batch begins."""
        batches = len(self._bounds(self._epoch_images))
        return (batches - 1) / batches

    def end(self, reason: str, digits_val: Digits, digits_test: Digits | None) -> EndEvent:
        """Take the best weights, if early stopping kept them, and read the test set once."""
        checkpoint = self.checkpoint()
        if self.best and self.is_trained:
            self.network.load_state_dict(self.best[2])
        self.network.eval()
        logits = logits_of(self.network, digits_val.images).cpu()
        if not logits.isfinite().all():
            raise self._diverged("the network's answers", len(self.history) + 1)
        test = evaluate(self.network, digits_test, self.recipe) if digits_test else None
        return EndEvent(
            reason=reason,
            epochs=len(self.history),
            best_epoch=self.best[0] if self.best else None,
            seconds=sum(event.seconds for event in self.history) + self.epoch_seconds,
            test_accuracy=test.accuracy if test else None,
            test_loss=test.loss if test else None,
            n=test.n if test else 0,
            calibration=calibrate(logits, digits_val.labels, self.recipe),
            state=self,
            checkpoint=checkpoint,
        )

    def _step(self, x: Tensor, labels: Tensor, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if augmentation.is_active(self.recipe):
            x = augmentation.augment(x, self.recipe)
        with self.precision:
            logits = self.model(x.contiguous(memory_format=torch.channels_last)).float()
        loss = loss_of(logits, labels, self.recipe)
        for parameter in self._parameters:
            parameter.grad = None
        loss.backward()
        if self.recipe.l1:
            add_l1_gradient(self.model, self.recipe.l1)
        self._update()
        if self.recipe.averaging:
            self._average()
        self.running.add(loss, logits, labels)
        self.batch += 1
        self._batches_here += 1

    @torch.no_grad()
    def _average(self) -> None:
        """Move the network towards the model; early on by more, so that it forgets its start."""
        steps = len(self.history) * len(self._bounds(self._epoch_images)) + self.batch
        decay = min(self.recipe.averaging, (1 + steps) / (10 + steps))
        old, new = (list(m.state_dict().values()) for m in (self.network, self.model))
        pairs = [(a, b) for a, b in zip(old, new, strict=True) if a.is_floating_point()]
        torch._foreach_lerp_([a for a, _ in pairs], [b for _, b in pairs], 1 - decay)

    def _batch_event(self, epoch: int, seen: int, batches: int) -> BatchEvent:
        loss, accuracy = self._running(seen, epoch)
        left = (self.recipe.epochs - epoch + 1) * batches - self.batch
        elapsed = time.perf_counter() - self._started
        return BatchEvent(
            epoch=epoch,
            epochs=self.recipe.epochs,
            batch=self.batch,
            batches=batches,
            loss=loss,
            accuracy=accuracy,
            images_per_second=seen / max(self.epoch_seconds, 1e-9),
            seconds_left=elapsed / self._batches_here * left,
        )

    def _running(self, seen: int, epoch: int) -> tuple[float, float]:
        loss = self.running.loss / seen
        if not math.isfinite(loss):
            raise self._diverged("the loss", epoch)
        return loss, self.running.right / seen

    def _diverged(self, what: str, epoch: int) -> TrainingError:
        rate = max(self.recipe.learning_rate, learning_rate_at(self.recipe, epoch, 0.0))
        return TrainingError(
            f"By epoch {epoch}, batch {self.batch}, {what} is no finite number: choose a lower "
            f"learning rate than {rate:g}."
        )

    def _remember_best(self, event: EpochEvent) -> None:
        if not self.recipe.early_stopping:
            return
        if self.best is None or event.val_loss < self.best[1]:
            weights = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
            self.best = (event.epoch, event.val_loss, weights)

    # Order and chance: a function of (seed, epoch), so that any epoch can be begun anew

    @property
    def _epoch_images(self) -> int:
        batches = self.recipe.batches_per_epoch
        return batches * self.recipe.batch_size if batches else len(self.labels)

    def _order(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(_mix(self.recipe.seed, epoch))
        n, wanted = len(self.labels), self._epoch_images
        rounds = [torch.randperm(n, generator=generator) for _ in range(-(-wanted // n))]
        return torch.cat(rounds)[:wanted].to(self.device)

    def _bounds(self, count: int) -> list[tuple[int, int]]:
        """Start and end of each batch. Batch normalisation cannot use a last batch of one image."""
        size = self.recipe.batch_size
        bounds = [(start, min(start + size, count)) for start in range(0, count, size)]
        lone = self.recipe.batch_norm and len(bounds) > 1 and bounds[-1][1] - bounds[-1][0] == 1
        return bounds[:-1] if lone else bounds

    def _seed_epoch(self, epoch: int) -> None:
        torch.manual_seed(_mix(self.recipe.seed, epoch))
        if self._random_state is not None:
            random_source(self.device).set_rng_state(self._random_state.cpu())
            self._random_state = None

    def _get_random_state(self) -> Tensor:
        return random_source(self.device).get_rng_state()

    # Checkpoints

    def checkpoint(self) -> Checkpoint:
        """A copy of all that it takes to go on from here."""
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        if self.recipe.averaging:
            tensors |= {f"network.{k}": v for k, v in self.network.state_dict().items()}
        scalars: dict[str, dict[str, float]] = {}
        for index, entries in self.optimizer.state_dict()["state"].items():
            for key, value in entries.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer.{index}.{key}"] = value
                elif value is not None:
                    scalars.setdefault(str(index), {})[key] = value
        if self.best:
            tensors |= {f"best.{k}": v for k, v in self.best[2].items()}
        if self._random_state is not None:
            tensors["random_state"] = self._random_state
        sums = self.running.loss, self.running.right
        tensors["totals"] = torch.tensor(sums, dtype=torch.float64)
        facts = {
            "batch": self.batch,
            "epoch_seconds": self.epoch_seconds,
            "best": self.best[:2] if self.best else None,
            "optimizer": scalars,
            "history": [to_json(event) for event in self.history],
        }
        return Checkpoint({k: v.detach().cpu().clone() for k, v in tensors.items()}, facts)

    def _restore(self, checkpoint: Checkpoint) -> None:
        tensors, facts = checkpoint
        self.model.load_state_dict(_under("model", tensors))
        if self.recipe.averaging:
            self.network.load_state_dict(_under("network", tensors))
        self._restore_optimizer(_under("optimizer", tensors), facts["optimizer"])
        self.running = RunningMetrics(*tensors["totals"].tolist())
        self._random_state = tensors.get("random_state")
        self.batch, self.epoch_seconds = facts["batch"], facts["epoch_seconds"]
        if facts["best"]:
            best = {k: v.to(self.device) for k, v in _under("best", tensors).items()}
            self.best = (facts["best"][0], facts["best"][1], best)
        self.history = [
            EpochEvent(**{k: v for k, v in entry.items() if k != "event"}, state=self)
            for entry in facts["history"]
        ]

    def _restore_optimizer(self, tensors: dict[str, Tensor], scalars: dict[str, Any]) -> None:
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        entries: dict[int, dict[str, Any]] = {int(i): dict(v) for i, v in scalars.items()}
        for key, value in tensors.items():
            index, name = key.split(".", 1)
            entries.setdefault(int(index), {})[name] = _laid_out_as(parameters[int(index)], value)
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": entries, "param_groups": groups})


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 numbers in hardware, faster than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    in_cpu = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return device.type == "cpu" and in_cpu()


def random_source(device: torch.device) -> ModuleType:
    """The module of torch that draws the random numbers of a device."""
    return {"cuda": torch.cuda, "mps": torch.mps}.get(device.type, torch)


def _laid_out_as(parameter: Tensor, value: Tensor) -> Tensor:
    """The same values in the parameter's memory layout, which fused optimizers rely on."""
    return torch.empty_like(parameter).copy_(value) if value.dim() else value


def _mix(seed: int, epoch: int) -> int:
    return (seed * 1_000_003 + epoch * 7_919) % 2**31


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = prefix + "."
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
