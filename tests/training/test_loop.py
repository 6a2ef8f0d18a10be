import json
import time

import pytest
import torch
from effort import scaled
from safetensors.torch import load, save

from mnist_app.common.errors import TrainingError
from mnist_app.data.labelled_images import Digits, split
from mnist_app.data.training_data import prepare
from mnist_app.networks import layers, models
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.recipe import Recipe
from mnist_app.training import device
from mnist_app.training import loop as training
from mnist_app.training.calibration import calibrate
from mnist_app.training.checkpoint import Checkpoint
from mnist_app.training.evaluation import evaluate, logits_of
from mnist_app.training.events import BatchEvent, EndEvent, EpochEvent, Event, to_json
from mnist_app.training.loop import Trainer, train

SMALL = Recipe(model="mlp-128-64", scaling="unit", epochs=3, batch_size=16, dataset="digits")


def run(recipe: Recipe, digits: Digits, **options) -> list[Event]:
    rest, val = split(digits, 0.2, 0)
    return list(train(recipe, rest, val, val, **options))


def history(events: list[Event]) -> list[tuple[float, ...]]:
    return [
        (e.train_loss, e.train_accuracy, e.val_loss, e.val_accuracy) for e in events[-1].history
    ]


def stop_after(batches: int):
    asked = iter(range(10**9))
    return lambda: next(asked) >= batches


def trained(recipe: Recipe, digits: Digits, **options) -> Trainer:
    """A trainer at the end of its training."""
    rest, val = split(digits, 0.2, 0)
    trainer = Trainer(recipe, rest, val, val, **options)
    list(trainer.events())
    return trainer


def weights_of(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def assert_same_tensors(one: Checkpoint, other: Checkpoint) -> None:
    assert one.tensors.keys() == other.tensors.keys()
    assert all(torch.equal(tensor, other.tensors[key]) for key, tensor in one.tensors.items())


def through_a_file(checkpoint: Checkpoint) -> Checkpoint:
    packed = {k: v.contiguous() for k, v in checkpoint.tensors.items()}
    return Checkpoint(load(save(packed)), checkpoint.facts)


def test_a_network_learns_what_can_be_learnt(stripes):
    events = run(SMALL.changed(epochs=10), stripes)
    end = events[-1]
    assert isinstance(end, EndEvent)
    assert end.reason == "finished"
    assert end.test_accuracy == 1.0
    assert end.n == 40
    losses = [event.train_loss for event in end.history]
    assert losses[0] > 5 * losses[-1]


def test_every_epoch_and_one_end_are_told(stripes):
    events = run(SMALL, stripes)
    assert [e.epoch for e in events if isinstance(e, EpochEvent)] == [1, 2, 3]
    assert [type(e) for e in events].count(EndEvent) == 1
    assert isinstance(events[-1], EndEvent)


def test_batch_events_tell_the_place_within_the_epoch(stripes, monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_EVENTS", 0.0)
    events = [e for e in run(SMALL, stripes) if isinstance(e, BatchEvent)]
    assert [(e.epoch, e.batch) for e in events[:11]] == [(1, b) for b in range(1, 11)] + [(2, 1)]
    assert {e.batches for e in events} == {10}
    assert events[-1].seconds_left == 0
    assert all(e.images_per_second > 0 and 0 <= e.accuracy <= 1 for e in events)


def test_events_come_a_few_times_a_second_however_short_the_epochs(stripes, monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_EVENTS", 0.05)
    begin = time.perf_counter()
    events = run(SMALL.changed(epochs=40, batch_size=4), stripes)  # 1,600 batches
    most = (time.perf_counter() - begin) / 0.05 + 1
    assert 1 <= sum(isinstance(e, BatchEvent) for e in events) <= most


def test_a_training_keeps_the_memory_that_it_frees(stripes, monkeypatch):
    kept = []
    monkeypatch.setattr(training, "keep_freed_memory", lambda: kept.append(True))
    run(SMALL.changed(epochs=1), stripes)
    assert kept == [True]


def test_validation_figures_are_those_of_the_network(stripes):
    rest, val = split(stripes, 0.2, 0)
    events = list(train(SMALL, rest, val, val))
    measured = evaluate(events[-1].network, val, SMALL)
    assert events[-2].val_accuracy == events[-1].test_accuracy == measured.accuracy
    assert events[-2].val_loss == pytest.approx(measured.loss)


@pytest.mark.parametrize("name", scaled(["lenet5", "speedrun", "resnet"], list(RECIPES)))
def test_the_same_seed_gives_the_same_curve(name, stripes):
    recipe = RECIPES[name].changed(
        epochs=2, batch_size=16, batches_per_epoch=None, steps=((2, 1e-4),)
    )
    first, second = run(recipe, stripes), run(recipe, stripes)
    assert history(first) == history(second)
    other = run(recipe.changed(seed=1), stripes)
    assert history(first) != history(other)


@pytest.mark.parametrize("batches", scaled([17], [0, 4, 10, 17, 29]))
@pytest.mark.parametrize("name", ["cnn-2x32", "mlp-300", "resnet", "canvas"])
def test_a_stopped_training_goes_on_as_if_nothing_had_happened(name, batches, stripes):
    recipe = RECIPES[name].changed(epochs=3, batch_size=16, batches_per_epoch=None)
    whole = run(recipe, stripes)
    stopped = run(recipe, stripes, should_stop=stop_after(batches))
    assert stopped[-1].reason == "stopped"
    rest = run(recipe, stripes, resume=through_a_file(stopped[-1].checkpoint))
    assert history(rest) == history(whole)
    assert_same_tensors(rest[-1].checkpoint, whole[-1].checkpoint)


def test_a_stop_keeps_what_is_trained_so_far(stripes):
    end = run(SMALL, stripes, should_stop=stop_after(14))[-1]
    assert (end.reason, end.epochs, end.checkpoint.facts["batch"]) == ("stopped", 1, 4)
    assert end.is_trained
    assert end.val_accuracy is not None


class Watched(Digits):
    """Labelled images that count how often their images are read."""

    reads = 0

    def __getattribute__(self, name: str) -> object:
        if name == "images":
            Watched.reads += 1
        return super().__getattribute__(name)


@pytest.fixture
def watched(stripes, monkeypatch) -> Watched:
    """The stripes as test images, not read yet."""
    monkeypatch.setattr(Watched, "reads", 0)
    return Watched(stripes.images, stripes.labels, "watched")


def test_the_test_images_are_read_once_at_the_end_and_not_when_stopped(stripes, watched):
    rest, val = split(stripes, 0.2, 0)
    resume = None
    for batches in (4, 14, 5):
        stop = stop_after(batches)
        end = list(train(SMALL, rest, val, watched, should_stop=stop, resume=resume))[-1]
        assert (end.reason, Watched.reads) == ("stopped", 0)
        assert (end.test_accuracy, end.test_loss, end.n) == (None, None, 0)
        measured = evaluate(end.network, val, SMALL)
        assert (end.val_accuracy, end.val_n) == (measured.accuracy, 40)
        resume = end.checkpoint
    end = list(train(SMALL, rest, val, watched, resume=resume))[-1]
    assert (end.reason, Watched.reads) == ("finished", 1)
    assert (end.test_accuracy, end.n) == (evaluate(end.network, stripes, SMALL).accuracy, 200)


def test_a_training_that_stops_early_reads_the_test_images(stripes, watched):
    rest, val = split(stripes, 0.2, 0)
    wrong = Digits(val.images, val.labels.roll(3), "wrong")
    recipe = SMALL.changed(epochs=40, early_stopping=2)
    end = list(train(recipe, rest, wrong, watched))[-1]
    assert (end.reason, end.n, Watched.reads) == ("early", 200, 1)


def test_a_stop_before_the_first_batch_has_trained_nothing(stripes):
    assert not run(SMALL, stripes, should_stop=lambda: True)[-1].is_trained


def test_early_stopping_keeps_the_best_epoch(stripes):
    rest, val = split(stripes, 0.2, 0)
    wrong = Digits(val.images, val.labels.roll(3), "wrong")  # being sure makes its loss worse
    recipe = SMALL.changed(epochs=40, early_stopping=2)
    end = list(train(recipe, rest, wrong, wrong))[-1]
    losses = [event.val_loss for event in end.history]
    assert end.reason == "early"
    assert len(losses) < 40
    assert end.best_epoch == losses.index(min(losses)) + 1 == len(losses) - 2
    assert end.test_loss == pytest.approx(min(losses))


def test_a_complete_training_resumes_to_its_end_without_training_more(stripes):
    end = run(SMALL, stripes)[-1]
    again = run(SMALL, stripes, resume=end.checkpoint)
    assert [type(e) for e in again] == [EndEvent]
    assert again[-1].test_accuracy == end.test_accuracy


def test_a_loss_that_is_no_number_ends_the_training_with_a_remedy(stripes, monkeypatch):
    def overflowing(recipe):
        model = build(recipe)
        model[-1].weight.data.fill_(float("inf"))
        return model

    build = models.from_recipe
    monkeypatch.setattr(models, "from_recipe", overflowing)
    with pytest.raises(TrainingError, match="lower learning rate"):
        run(SMALL, stripes)


def test_batches_per_epoch_sets_the_length_of_an_epoch(stripes, monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_EVENTS", 0.0)
    events = run(SMALL.changed(batches_per_epoch=25, epochs=1), stripes)  # 400 of 160 images
    assert [e.batch for e in events if isinstance(e, BatchEvent)] == list(range(1, 26))


def test_a_lone_last_image_does_not_break_batch_normalisation(stripes):
    rest, val = split(stripes, 0.2, 0)
    odd = rest.subset(torch.arange(33))
    events = list(train(SMALL.changed(batch_norm=True, epochs=1), odd, val))
    assert events[-1].epochs == 1


def test_penalties_shrink_the_weights(stripes):
    def size(**penalty) -> float:
        model = run(SMALL.changed(**penalty), stripes)[-1].network
        return sum(p.abs().sum().item() for p in model.parameters() if p.dim() > 1)

    plain = size()
    assert size(l1=0.01) < 0.7 * plain
    assert size(l2=0.1) < 0.9 * plain


def test_l1_drives_unused_weights_to_about_zero(stripes):
    model = run(SMALL.changed(l1=0.003, epochs=30), stripes)[-1].network
    corner = next(m for m in model if isinstance(m, torch.nn.Linear)).weight[:, :28]
    assert corner.abs().mean() < 0.005


# Averaging


def test_without_averaging_the_network_kept_is_the_one_that_was_trained(stripes):
    trainer = trained(SMALL, stripes)
    assert trainer.network is trainer.state.model


@pytest.mark.parametrize("decay", [0.2, 0.9])
def test_with_averaging_the_running_mean_of_the_weights_is_kept(decay, stripes):
    recipe = SMALL.changed(averaging=decay, epochs=2)
    state = trained(recipe, stripes).state
    plain = trained(recipe.changed(averaging=0), stripes).state
    assert torch.equal(weights_of(state.model), weights_of(plain.model))  # trained as ever
    assert not torch.equal(weights_of(state.network), weights_of(state.model))


@pytest.mark.parametrize("averaging", [0.3, 0.95])
def test_the_running_mean_is_that_of_a_computation_by_hand(averaging, stripes, monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_EVENTS", 0.0)
    rest, val = split(stripes, 0.2, 0)
    recipe = SMALL.changed(averaging=averaging, epochs=2)
    trainer = Trainer(recipe, rest, val)
    mean = weights_of(trainer.state.model)
    batches = (event for event in trainer.events() if isinstance(event, BatchEvent))
    for step, _ in enumerate(batches):
        decay = min(averaging, (1 + step) / (10 + step))
        mean = decay * mean + (1 - decay) * weights_of(trainer.state.model)
    assert step == 19
    assert torch.allclose(weights_of(trainer.network), mean, atol=1e-6)


def test_an_averaged_network_is_the_one_that_is_validated_and_tested(stripes):
    rest, val = split(stripes, 0.2, 0)
    recipe = SMALL.changed(averaging=0.99, batch_norm=True)
    trainer = Trainer(recipe, rest, val, val)
    end = list(trainer.events())[-1]
    measured = evaluate(end.network, val, recipe)
    assert end.history[-1].val_loss == pytest.approx(measured.loss)
    assert end.test_loss == pytest.approx(measured.loss)
    assert evaluate(trainer.state.model, val, recipe).loss != pytest.approx(measured.loss)


def test_early_stopping_keeps_the_averaged_weights_of_the_best_epoch(stripes):
    rest, val = split(stripes, 0.2, 0)
    wrong = Digits(val.images, val.labels.roll(3), "wrong")
    recipe = SMALL.changed(epochs=40, early_stopping=2, averaging=0.5)
    end = list(train(recipe, rest, wrong, wrong))[-1]
    assert end.reason == "early"
    assert end.test_loss == pytest.approx(min(event.val_loss for event in end.history))


def test_an_averaged_network_learns_too(stripes):
    end = run(SMALL.changed(epochs=12, averaging=0.9), stripes)[-1]
    assert end.test_accuracy == 1.0


# What is no digit


@pytest.fixture
def with_nothing(stripes) -> Digits:
    """The stripes and 60 images of upright bars, which are none."""
    bars = torch.zeros(60, 28, 28, dtype=torch.uint8)
    bars[:, 2:26, 12:16] = 255
    labels = torch.full((60,), 10)
    return Digits(
        torch.cat([stripes.images, bars]), torch.cat([stripes.labels, labels]), "stripes + bars"
    )


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_a_network_learns_what_is_no_digit(loss, stripes, with_nothing):
    _, val = split(stripes, 0.2, 0)
    recipe = SMALL.changed(non_digits=60, epochs=15, loss=loss)
    end = list(train(recipe, with_nothing, val, val))[-1]
    bars = with_nothing.images[-5:].float()[:, None] / 255
    assert end.network[-1].out_features == 11
    assert (end.network(bars).argmax(dim=1) == 10).all()
    assert end.test_accuracy == 1.0
    assert end.calibration.n == len(val)


def test_label_smoothing_keeps_a_network_from_being_too_sure(stripes):
    def sureness(smoothing: float) -> float:
        recipe = SMALL.changed(epochs=12, label_smoothing=smoothing)
        model = run(recipe, stripes)[-1].network
        logits = model(stripes.images.float()[:, None] / 255)
        return torch.softmax(logits, dim=1).amax(dim=1).mean().item()

    assert sureness(0.0) > 0.97 > 0.9 > sureness(0.3) > 0.5


# Mixed precision


@pytest.fixture
def precisions(monkeypatch) -> set[torch.dtype]:
    """The types that the networks put out in training."""
    seen = set()
    scale = layers.Scale.forward

    def remember(self, x):
        if self.training:
            seen.add(torch.nn.functional.linear(scale(self, x)[:, 0], x[0, 0]).dtype)
        return scale(self, x)

    monkeypatch.setattr(layers.Scale, "forward", remember)
    return seen


@pytest.mark.parametrize("computes", [True, False])
def test_mixed_precision_is_used_where_the_machine_computes_with_it(
    computes, stripes, precisions, monkeypatch
):
    monkeypatch.setattr(device, "computes_bfloat16", lambda device: computes)
    recipe = SMALL.changed(model="cnn-2x32", mixed_precision=True, epochs=2, batch_norm=True)
    first, second = run(recipe, stripes), run(recipe, stripes)
    assert precisions == {torch.bfloat16 if computes else torch.float32}
    assert history(first) == history(second)
    assert all(p.dtype == torch.float32 for p in first[-1].network.parameters())
    losses = [event.train_loss for event in first[-1].history]
    assert losses[1] < losses[0]
    plain = run(recipe.changed(mixed_precision=False), stripes)
    assert (history(plain) == history(first)) is not computes


def test_without_mixed_precision_everything_is_float32(stripes, precisions, monkeypatch):
    monkeypatch.setattr(device, "computes_bfloat16", lambda device: True)
    run(SMALL.changed(epochs=1), stripes)
    assert precisions == {torch.float32}


# Calibration


def test_the_end_tells_how_sure_is_sure_on_the_validation_images(stripes):
    rest, val = split(stripes, 0.2, 0)
    end = list(train(SMALL, rest, val, val))[-1]
    logits = logits_of(end.network, val.images)
    assert end.calibration == calibrate(logits, val.labels, SMALL)
    assert end.calibration.n == len(val)
    assert end.calibration.coverage[0] == 1


def test_events_as_json_leave_out_what_is_no_figure(stripes):
    for event in run(SMALL.changed(epochs=1), stripes):
        entry = json.loads(json.dumps(to_json(event)))
        assert not {"network", "checkpoint", "calibration", "history", "recipe"} & set(entry)


def test_events_no_longer_change_when_the_training_goes_on(stripes):
    rest, val = split(stripes, 0.2, 0)
    trainer = Trainer(SMALL, rest, val)
    seen = [(event, to_json(event)) for event in trainer.events()]
    assert [to_json(event) for event, _ in seen] == [entry for _, entry in seen]
    assert list(seen[-1][0].history) == [e for e, _ in seen if isinstance(e, EpochEvent)]
    for event, _ in seen:
        assert not any(value is trainer or value is trainer.state for value in vars(event).values())


def test_weights_and_a_checkpoint_can_be_had_after_each_epoch(stripes):
    rest, val = split(stripes, 0.2, 0)
    trainer = Trainer(SMALL, rest, val, val)
    for event in trainer.events():
        if isinstance(event, EpochEvent):
            loss = evaluate(trainer.network, val, SMALL).loss
            assert loss == pytest.approx(event.val_loss)
            checkpoint = trainer.checkpoint()
            assert len(checkpoint.facts["history"]) == event.epoch
            resumed = run(SMALL, stripes, resume=through_a_file(checkpoint))[-1]
    assert_same_tensors(resumed.checkpoint, event.checkpoint)


def test_weights_that_are_no_numbers_end_a_stopped_training_with_a_remedy(stripes):
    rest, val = split(stripes, 0.2, 0)

    def spoil_and_stop() -> bool:
        if trainer.state.batch == 3:
            with torch.no_grad():
                trainer.state.model[-1].weight.fill_(float("nan"))
        return trainer.state.batch == 3

    trainer = Trainer(SMALL, rest, val, val, should_stop=spoil_and_stop)
    with pytest.raises(TrainingError, match="lower learning rate"):
        list(trainer.events())


# Two good epochs, then a rate at which the L2 penalty and the momentum blow each other up.
DIVERGING = SMALL.changed(
    epochs=30,
    optimizer="sgd",
    learning_rate=0.01,
    momentum=0.99,
    l2=0.1,
    schedule="steps",
    steps=((3, 1.0),),
)


@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_a_training_that_diverges_keeps_its_last_good_epoch(averaging, stripes):
    recipe = DIVERGING.changed(averaging=averaging)
    events = run(recipe, stripes)
    end, losses = events[-1], [e.val_loss for e in events if isinstance(e, EpochEvent)]
    assert end.reason == "diverged"
    assert 2 <= end.epochs == 1 + losses.index(min(losses)) < recipe.epochs
    assert "no finite number: choose a lower learning rate than 1." in end.problem
    shorter = run(recipe.changed(epochs=end.epochs), stripes)[-1]
    assert shorter.problem is None
    assert torch.equal(weights_of(end.network), weights_of(shorter.network))
    assert history([end]) == history([shorter])
    assert end.test_accuracy == shorter.test_accuracy


def test_a_resumed_training_that_diverges_keeps_what_it_was_resumed_from(stripes):
    good = run(DIVERGING, stripes)[-1].epochs
    known = run(DIVERGING.changed(epochs=good), stripes)[-1]
    end = run(DIVERGING, stripes, resume=through_a_file(known.checkpoint))[-1]
    assert (end.reason, end.epochs) == ("diverged", good)


def test_bundled_digits_are_learnt_within_seconds():
    recipe = RECIPES["cnn-simple-fixed"].changed(dataset="digits", epochs=5)
    parts = prepare(recipe)
    end = list(train(recipe, parts.train, parts.val, parts.test))[-1]
    assert end.test_accuracy > 0.93
    assert end.n == 359


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_same_code_trains_on_a_gpu(stripes):
    events = run(SMALL.changed(epochs=10), stripes, device=torch.device("cuda"))
    assert events[-1].test_accuracy == 1.0
