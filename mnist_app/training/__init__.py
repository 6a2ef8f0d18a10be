"""The training loop, its events, and how a network is evaluated and calibrated.

Other packages use `loop.train` (a generator of events) or `loop.Trainer` (which also provides the
weights and a checkpoint between two events), `events`, `evaluation`, `metrics`, `calibration` and
`device`.
"""
