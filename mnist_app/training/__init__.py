"""The training loop, its events, and what measures a network.

`loop.train` is the only loop: a generator of `events`, for the command line, a run and the tests
alike. `evaluation` computes logits, loss and accuracy, `metrics` what predictions say about a
network, `calibration` its confidence. Nothing here reads or writes a file.
"""
