"""A Chromium for the browser tests: the system's, Debian's package, or Playwright's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REMEDY = (
    "There is no Chromium for the browser tests, and neither apt-get (needs root on Debian) nor "
    "'playwright install chromium' (needs the network) could install one: install Chromium by "
    "hand, so that 'chromium' is on the PATH."
)


def installed() -> str | None:
    """Return the path of an installed Chromium, the system's or Playwright's, or None."""
    on_path = (path for name in NAMES if (path := shutil.which(name)))
    return next(filter(_runs, on_path), None) or _playwrights()


def _runs(path: str) -> bool:
    """Return whether it is a browser. Ubuntu's chromium-browser may only ask to install a snap."""
    return subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0


def install() -> str | None:
    """Install a Chromium: Debian's package if root on Debian, otherwise Playwright's browser."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if shutil.which("apt-get") and is_root:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "chromium"]):
            subprocess.run(["apt-get", *command], env=environment, check=False)
    if not installed():
        command = [sys.executable, "-m", "playwright", "install", "chromium"]
        subprocess.run(command + ["--with-deps"] * is_root, check=False)
    return installed()


def _playwrights() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


if __name__ == "__main__":
    found = installed() or install()
    if not found:
        sys.exit(REMEDY)
    print(f"Chromium: {found}")
