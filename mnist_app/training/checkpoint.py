"""Checkpoints: everything needed to resume training exactly where it stopped.

The names of the tensors and facts are used in the files of users' runs, so don't change them.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mnist_app.training.best_epoch import BestEpoch
from mnist_app.training.evaluation import RunningMetrics
from mnist_app.training.events import EpochEvent, to_json
from mnist_app.training.state import TrainingState

OptimizerState = dict[int, dict[str, Any]]  # by parameter index, in the optimizer's order


class Checkpoint(NamedTuple):
    """The state of a training: tensors by name, on the CPU, and facts that fit into JSON."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def make_checkpoint(state: TrainingState) -> Checkpoint:
    """Return a copy of the state of a training."""
    optimizer_tensors, optimizer_numbers = _parted(state.optimizer.state_dict()["state"])
    best = state.stopping.best
    tensors = _named("model", state.model.state_dict()) | _named("optimizer", optimizer_tensors)
    if state.is_averaged:
        tensors |= _named("network", state.network.state_dict())
    if best:
        tensors |= _named("best", best.weights)
    if state.random_state is not None:
        tensors["random_state"] = state.random_state
    sums = state.running.loss, state.running.right
    tensors["totals"] = torch.tensor(sums, dtype=torch.float64)
    facts = {
        "batch": state.batch,
        "epoch_seconds": state.epoch_seconds,
        "best": (best.epoch, best.val_loss) if best else None,
        "optimizer": optimizer_numbers,
        "history": [to_json(event) for event in state.history],
    }
    return Checkpoint({k: v.detach().cpu().clone() for k, v in tensors.items()}, facts)


def restore_checkpoint(state: TrainingState, checkpoint: Checkpoint) -> None:
    """Restore a checkpoint into a training of the same recipe."""
    tensors, facts = checkpoint
    state.model.load_state_dict(_under("model", tensors))
    if state.is_averaged:
        state.network.load_state_dict(_under("network", tensors))
    _restore_optimizer(state.optimizer, _under("optimizer", tensors), facts["optimizer"])
    state.stopping.best = None
    if facts["best"]:
        epoch, val_loss = facts["best"]
        weights = {k: v.to(state.device) for k, v in _under("best", tensors).items()}
        state.stopping.best = BestEpoch(epoch, val_loss, weights)
    state.running = RunningMetrics(*tensors["totals"].tolist())
    state.random_state = tensors.get("random_state")
    state.batch, state.epoch_seconds = facts["batch"], facts["epoch_seconds"]
    state.history = [_epoch_event(entry) for entry in facts["history"]]


def _epoch_event(entry: dict[str, Any]) -> EpochEvent:
    return EpochEvent(**{key: value for key, value in entry.items() if key != "event"})


# Optimizers


def _parted(
    entries: OptimizerState,
) -> tuple[dict[str, Tensor], dict[str, dict[str, float]]]:
    """Split an optimizer's state into tensors ("0.exp_avg", ...) and numbers by parameter."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, dict[str, float]] = {}
    for index, entry in entries.items():
        for key, value in entry.items():
            if isinstance(value, Tensor):
                tensors[f"{index}.{key}"] = value
            elif value is not None:
                numbers.setdefault(str(index), {})[key] = value
    return tensors, numbers


def _restore_optimizer(
    optimizer: torch.optim.Optimizer,
    tensors: dict[str, Tensor],
    numbers: dict[str, dict[str, float]],
) -> None:
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    entries: OptimizerState = {int(index): dict(entry) for index, entry in numbers.items()}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        entries.setdefault(int(index), {})[key] = _laid_out_as(parameters[int(index)], value)
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": entries, "param_groups": groups})


def _laid_out_as(parameter: nn.Parameter, value: Tensor) -> Tensor:
    """Return the same values in the parameter's memory layout, which fused optimizers rely on."""
    return torch.empty_like(parameter).copy_(value) if value.dim() else value


# Names


def _named(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{key}": tensor for key, tensor in tensors.items()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
