"""python -m mnist_app."""

import sys

from mnist_app.cli import main

if __name__ == "__main__":
    sys.exit(main())
