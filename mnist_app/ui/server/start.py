"""The command that starts the app: Streamlit, with the app's own options from any folder."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mnist_app.common.settings import shipped_folder

_CONFIG = Path(".streamlit") / "config.toml"


def start_app(port: int | None = None, address: str | None = None) -> None:
    """Serve the app until it is interrupted.

    Streamlit finds the app's options beside app.py. A file .streamlit/config.toml in the working
    directory has the last word, and before it the environment (STREAMLIT_SERVER_PORT, ...).

    Args:
        port: that it answers on; by default 8501, or the next one that is free.
        address: that it listens at; by default this machine alone.
    """
    from streamlit.web import cli

    chosen = {"server.port": port, "server.address": address}
    options = options_of_folder(Path.cwd()) | {k: v for k, v in chosen.items() if v is not None}
    flags = [f"--{name}={_text(value)}" for name, value in options.items()]
    script = str(shipped_folder() / "app.py")
    cli.main(["run", script, *flags], prog_name="streamlit", standalone_mode=False)


def options_of_folder(folder: Path) -> dict[str, Any]:
    """The options of the app for which a folder's own .streamlit/config.toml has other values.

    Streamlit itself would rather take those beside app.py. It also says what is wrong with a file.
    """
    own, ours = folder / _CONFIG, shipped_folder() / _CONFIG
    try:
        wanted, known = (dict(_options(tomllib.loads(p.read_text("utf-8")))) for p in (own, ours))
    except (OSError, ValueError):
        return {}
    return {name: value for name, value in wanted.items() if known.get(name, value) != value}


def _options(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each option with its full name, as ("theme.light.textColor", "#fff")."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _options(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
