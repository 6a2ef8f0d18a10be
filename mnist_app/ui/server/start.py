"""Start the app: run Streamlit with the app's own options, from any folder."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mnist_app.common.settings import shipped_folder

_CONFIG = Path(".streamlit") / "config.toml"


def start_app(port: int | None = None, address: str | None = None) -> None:
    """Serve the app until it is interrupted.

    Streamlit finds the app's options in the folder of app.py. The environment
    (STREAMLIT_SERVER_PORT, ...) overrides them. If a file .streamlit/config.toml in the working
    directory has another value for one of the app's options, that value overrides both.

    Args:
        port: the port to listen on; by default 8501, or the next free one.
        address: the address to listen on; by default this machine alone.
    """
    from streamlit.web import cli

    chosen = {"server.port": port, "server.address": address}
    options = options_of_folder(Path.cwd()) | {k: v for k, v in chosen.items() if v is not None}
    flags = [f"--{name}={_text(value)}" for name, value in options.items()]
    script = str(shipped_folder() / "app.py")
    cli.main(["run", script, *flags], prog_name="streamlit", standalone_mode=False)


def options_of_folder(folder: Path) -> dict[str, Any]:
    """Return the app's options for which a folder's own .streamlit/config.toml has other values.

    Streamlit itself would prefer the values in the folder of app.py. If a file is broken, the
    result is empty, because Streamlit reports what is wrong with it.
    """
    own, ours = folder / _CONFIG, shipped_folder() / _CONFIG
    try:
        wanted, known = (dict(_options(tomllib.loads(p.read_text("utf-8")))) for p in (own, ours))
    except (OSError, ValueError):
        return {}
    return {name: value for name, value in wanted.items() if known.get(name, value) != value}


def _options(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each option with its full name, such as ("theme.light.textColor", "#fff")."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _options(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
