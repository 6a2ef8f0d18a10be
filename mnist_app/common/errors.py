"""Errors whose messages are meant for the user."""


class InputError(ValueError):
    """Some input from outside is wrong; the message is one sentence that includes the remedy."""


class TrainingError(RuntimeError):
    """A training cannot continue; the message says why and what to change."""
