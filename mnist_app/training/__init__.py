"""The training loop, its events, and what measures a network.

Others use `loop.train` (a generator of events) or `loop.Trainer` (which also has the weights and a
checkpoint between two events), `events`, `evaluation`, `metrics`, `calibration` and `device`.
"""
