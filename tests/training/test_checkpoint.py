"""Checkpoints that older versions wrote into users' runs."""

import json
from typing import Any

import pytest
import torch

from mnist_app.data.labelled_images import split
from mnist_app.recipes.recipe import Recipe
from mnist_app.training.checkpoint import Checkpoint
from mnist_app.training.loop import Trainer

RECIPE = Recipe(
    model="mlp-128-64",
    scaling="unit",
    epochs=4,
    batch_size=16,
    batch_norm=True,
    dropout=0.2,
    optimizer="adam",
    averaging=0.9,
    early_stopping=3,
)


def as_in_a_users_file(trainer: Trainer) -> Checkpoint:
    """The layout of the files `checkpoint.safetensors`, built from the training's parts.

    It must not be built by the code under test.
    """
    state, best = trainer.state, trainer.state.stopping.best
    tensors = {"random_state": state.random_state}
    for prefix, network in (("model", state.model), ("network", state.network)):
        for key, tensor in network.state_dict().items():
            tensors[f"{prefix}.{key}"] = tensor
    for key, tensor in best.weights.items():
        tensors[f"best.{key}"] = tensor
    for index, entry in state.optimizer.state_dict()["state"].items():
        for key in ("step", "exp_avg", "exp_avg_sq"):
            tensors[f"optimizer.{index}.{key}"] = entry[key]
    sums = [state.running.loss, state.running.right]
    tensors["totals"] = torch.tensor(sums, dtype=torch.float64)
    facts = {
        "batch": state.batch,
        "epoch_seconds": state.epoch_seconds,
        "best": [best.epoch, best.val_loss],
        "optimizer": {},
        "history": [{"event": "epoch", **vars(event)} for event in state.history],
        "fingerprint": "0" * 16,  # a run adds it
    }
    return Checkpoint({k: v.clone() for k, v in tensors.items()}, json.loads(json.dumps(facts)))


class Stopped(Trainer):
    """A training that is stopped in its third epoch, and left as it is there."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, should_stop=self._is_in_third_epoch)

    def _is_in_third_epoch(self) -> bool:
        return (self.state.epoch, self.state.batch) == (3, 4)

    def _end(self, reason: str) -> None:
        """No best weights in place of the last ones."""
        assert reason == "stopped"


def curve(trainer: Trainer) -> list[tuple[Any, ...]]:
    return [(e.epoch, e.train_loss, e.train_accuracy, e.val_loss) for e in trainer.state.history]


def test_a_checkpoint_of_a_users_run_goes_on_to_the_last_bit(stripes):
    rest, val = split(stripes, 0.2, 0)
    whole, stopped = Trainer(RECIPE, rest, val), Stopped(RECIPE, rest, val)
    for trainer in (whole, stopped):
        list(trainer.events())
    resumed = Trainer(RECIPE, rest, val, resume=as_in_a_users_file(stopped))
    list(resumed.events())
    assert curve(resumed) == curve(whole)
    expected, found = whole.checkpoint().tensors, resumed.checkpoint().tensors
    assert expected.keys() == found.keys()
    assert all(torch.equal(tensor, found[key]) for key, tensor in expected.items())


@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_a_checkpoint_has_the_names_that_users_files_have(averaging, stripes):
    rest, val = split(stripes, 0.2, 0)
    trainer = Trainer(RECIPE.changed(averaging=averaging), rest, val)
    end = list(trainer.events())[-1]
    tensors, facts = end.checkpoint
    prefixes = {name.split(".")[0] for name in tensors}
    assert prefixes == {"model", "optimizer", "best", "totals"} | (
        {"network"} if averaging else set()
    )
    keys = {name.split(".", 1)[1] for name in tensors if name.startswith("optimizer.0.")}
    assert keys == {"0.step", "0.exp_avg", "0.exp_avg_sq"}
    assert set(facts) == {"batch", "epoch_seconds", "best", "optimizer", "history"}
    assert set(facts["history"][0]) == {
        "event",
        "epoch",
        "seconds",
        "train_loss",
        "train_accuracy",
        "val_loss",
        "val_accuracy",
        "learning_rate",
        "images_per_second",
    }
