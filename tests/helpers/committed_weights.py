"""The committed weights: exactly these files, whatever else is in the user's weights folder."""

import shutil
from pathlib import Path

from mnist_app.recipes.presets import ENSEMBLES, RECIPES

ROOT = Path(__file__).resolve().parents[2]
NETWORKS = tuple(sorted([*RECIPES, *ENSEMBLES]))


def path_of(name: str) -> Path:
    """Return the path of a network's committed file, which no test may change."""
    return ROOT / "weights" / f"{name}.safetensors"


def copy_to(folder: Path, names: tuple[str, ...] = NETWORKS) -> Path:
    """Copy committed networks into a folder, which is created if missing; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy2(path_of(name), folder)
    return folder


def restore(folder: Path, *kept: str) -> None:
    """Restore a copy of the committed networks; delete everything else, except the `kept` names."""
    for path in folder.iterdir():
        if path.name in kept or (path.suffix == ".safetensors" and path.stem in NETWORKS):
            continue
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
    copy_to(folder, tuple(name for name in NETWORKS if not _is_unchanged(name, folder)))


def _is_unchanged(name: str, folder: Path) -> bool:
    """Return whether the copy exists, with the original's size and modification time."""
    copied, original = folder / f"{name}.safetensors", path_of(name).stat()
    if not copied.exists():
        return False
    found = copied.stat()
    return (found.st_size, found.st_mtime_ns) == (original.st_size, original.st_mtime_ns)
