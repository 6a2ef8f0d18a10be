"""Where a training computes."""

import types

import pytest
import torch

from mnist_app.training import device


@pytest.mark.parametrize("has", [True, False])
def test_a_processor_is_asked_whether_it_computes_bfloat16(has, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": has}, raising=False)
    assert device.computes_bfloat16(torch.device("cpu")) is has
    assert not device.computes_bfloat16(torch.device("mps"))


def test_a_processor_of_another_kind_does_without(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"neon": True}, raising=False)
    assert device.computes_bfloat16(torch.device("cpu")) is False


def test_a_torch_that_cannot_tell_does_without(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert device.computes_bfloat16(torch.device("cpu")) is False


@pytest.mark.parametrize("kind", ["cpu", "cuda", "mps"])
def test_each_kind_of_device_has_its_own_random_numbers(kind):
    source = device.random_source(types.SimpleNamespace(type=kind))
    assert source is {"cpu": torch, "cuda": torch.cuda, "mps": torch.mps}[kind]
