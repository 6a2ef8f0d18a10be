"""`mnist-app` and `python -m mnist_app`: start the app, or run a command if one is given."""

import sys

from mnist_app.common.settings import is_checkout, shipped_folder


def main() -> int:
    """Run the given command, or start the app if there is none; return the exit code."""
    try:
        from mnist_app.cli.main import main as run
    except ModuleNotFoundError as error:
        sys.exit(f"The package {error.name} is missing: {_remedy()}.")
    return run(start_app=_start_app)


def _remedy() -> str:
    if is_checkout():
        wanted = shipped_folder() / "requirements.txt"
        return f"run '{sys.executable} -m pip install -r {wanted}'"
    return f"'{sys.executable} -m pip check' lists what to install"


def _start_app(port: int | None, address: str | None) -> None:
    from mnist_app.ui.server.start import start_app  # loads Streamlit, which commands do not need

    start_app(port, address)


if __name__ == "__main__":
    sys.exit(main())
