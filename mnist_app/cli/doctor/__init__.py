"""Checks that this machine has everything the app needs, by trying each thing out.

`checks` runs all checks; `command` prints their results. Each check imports what it tests inside
its own function, so a missing or broken package is one line of the output and does not end the
command.
"""
