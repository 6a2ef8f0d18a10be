"""The errors that a user is meant to read."""


class InputError(ValueError):
    """Something from outside is wrong; the message is one sentence with the remedy in it."""


class TrainingError(RuntimeError):
    """A training that cannot go on; the message says why and what to change."""
