"""Join several trained networks into one that answers with the mean of their logits."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mnist_app.common.errors import InputError
from mnist_app.data.catalogue import load_dataset
from mnist_app.networks import layers, models
from mnist_app.recipes.presets import MEMBERS
from mnist_app.recipes.recipe import Recipe
from mnist_app.results.weights import WeightsInfo
from mnist_app.training.calibration import Calibration
from mnist_app.training.evaluation import evaluate

NAME = "canvas-large"


class Member(NamedTuple):
    """A network and its facts."""

    model: nn.Sequential
    info: WeightsInfo


def combine(members: Sequence[Member]) -> Member:
    """Join members into `canvas-large`, which answers with the mean of their calibrated logits.

    The ensemble has no validation images of its own, because each member held out different ones.
    So its thresholds and curves are the mean of the members', and an ensemble does at least as well
    as they say.

    Args:
        members: `presets.MEMBERS` networks of the preset `canvas`; their recipes differ only in
            the seed.
    Raises:
        InputError: there are too few or too many members, their recipes or data differ, two have
            the same seed, or one was stopped before the end of its training.
    """
    _check(members)
    recipe = members[0].info.recipe.changed(name=NAME, model=NAME)
    model = models.from_recipe(recipe)
    model.load_state_dict(_side_by_side(model, members))
    model.eval()
    return Member(model, _facts(recipe, model, [member.info for member in members]))


def _facts(recipe: Recipe, model: nn.Module, infos: Sequence[WeightsInfo]) -> WeightsInfo:
    """Return the facts of the joined network, including its measured test accuracy."""
    first = infos[0]
    test = evaluate(model, load_dataset(recipe.dataset).test, recipe)
    facts = {
        "recipe": recipe,
        "history": [],
        "epochs": first.epochs,
        "seconds": sum(info.seconds for info in infos),
        "test_accuracy": test.accuracy,
        "test_loss": test.loss,
        "n": test.n,
        "calibration": _mean([info.calibration for info in infos]),
        "parameters": models.count_parameters(model),
        "trained_on": f"{len(infos)} networks, each on {first.trained_on}",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return first.model_copy(update=facts)


def _check(members: Sequence[Member]) -> None:
    if len(members) != MEMBERS:
        raise InputError(f"{NAME} joins {MEMBERS} networks, not {len(members)}.")
    recipes = [member.info.recipe.changed(seed=0) for member in members]
    other = next((m for m, r in zip(members, recipes, strict=True) if r != recipes[0]), None)
    if recipes[0].model != "canvas" or other:
        name = (other or members[0]).info.name
        raise InputError(f"{name} does not fit: join networks 'canvas' of one recipe.")
    unfinished = next((m.info.name for m in members if m.info.test_accuracy is None), None)
    if unfinished:
        raise InputError(f"{unfinished} was not trained to its end: train it again, then join.")
    if len({member.info.seed for member in members}) < len(members):
        raise InputError("Two of these networks have the same seed: join networks that differ.")
    if len({member.info.fingerprint for member in members}) > 1:
        raise InputError("These networks learned from different data: train them on the same.")


def _side_by_side(model: nn.Sequential, members: Sequence[Member]) -> dict[str, Tensor]:
    """Return the members' weights side by side.

    The last layers are scaled so that their sum is the mean of the calibrated logits.
    """
    place = next(i for i, m in enumerate(model) if isinstance(m, layers.SideBySide))
    last = next(i for i, m in enumerate(model) if isinstance(m, nn.Linear))
    tensors: dict[str, Tensor] = {}
    weights, biases = [], []
    for number, (member, info) in enumerate(members):
        state = member.state_dict()
        end = next(i for i, m in enumerate(member) if isinstance(m, nn.Linear))
        scale = 1 / (info.calibration.temperature * len(members))
        weights.append(state.pop(f"{end}.weight") * scale)
        biases.append(state.pop(f"{end}.bias") * scale)
        for key, tensor in state.items():
            layer, rest = key.split(".", 1)
            tensors[f"{place}.members.{number}.{int(layer) - place}.{rest}"] = tensor
    return tensors | {
        f"{last}.weight": torch.cat(weights, dim=1),
        f"{last}.bias": torch.stack(biases).sum(dim=0),
    }


def _mean(calibrations: Sequence[Calibration]) -> Calibration:
    """Average the thresholds and curves; the weights already include the temperatures."""

    def mean(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
        return tuple(sum(column) / len(rows) for column in zip(*rows, strict=True))

    return Calibration(
        threshold=sum(c.threshold for c in calibrations) / len(calibrations),
        thresholds=calibrations[0].thresholds,
        coverage=mean([c.coverage for c in calibrations]),
        accuracy=mean([c.accuracy for c in calibrations]),
        n=sum(c.n for c in calibrations),
    )
