"""The answers of a run's network to a drawing, epoch by epoch."""

from types import SimpleNamespace

from mnist_app.recipes.presets import RECIPES
from mnist_app.ui import loaded_networks


class LongRun:
    """A run that keeps the network of each epoch."""

    id, recipe = "0001-long", RECIPES["lenet5"]

    def __init__(self, folder) -> None:
        self._folder = folder
        self.epochs = 0

    def snapshots(self):
        return {epoch: self._folder / str(epoch) for epoch in range(1, self.epochs + 1)}

    def go_on(self, epochs: int) -> None:
        for epoch in range(self.epochs + 1, epochs + 1):
            (self._folder / str(epoch)).write_text("")
        self.epochs = epochs


def test_one_more_epoch_of_a_long_run_computes_little_anew(tmp_path, monkeypatch):
    """The newest epoch is always shown, and nearly all others were computed before."""
    computed = []

    def compute(path, *_rest) -> list[float]:
        computed.append(int(path.name))
        return [0.1] * 10

    session = SimpleNamespace(train=SimpleNamespace(probabilities={}))
    monkeypatch.setattr(loaded_networks, "current_session", lambda: session)
    monkeypatch.setattr(loaded_networks, "_probabilities", compute)
    run, drawing = LongRun(tmp_path), SimpleNamespace(key="7")
    for epochs in (100, 101, 102):
        run.go_on(epochs)
        computed.clear()
        shown = loaded_networks.probabilities_by_epoch(run, drawing)
        assert list(shown)[-1] == epochs
        assert len(shown) <= loaded_networks.MOST_EPOCHS_SHOWN + 1
        assert epochs == 100 or len(computed) <= 1
