"""python -m mnist_app."""

import sys

if __name__ == "__main__":
    try:
        from mnist_app.cli.main import main
    except ModuleNotFoundError as error:
        sys.exit(
            f"The package {error.name} is missing: run "
            f"'{sys.executable} -m pip install -r requirements.txt'."
        )
    sys.exit(main())
