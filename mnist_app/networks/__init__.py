"""The layers, and the networks made of them.

`models` builds the network of a recipe: float32 (N, 1, 28, 28) in [0, 1] in, raw logits out. Each
network scales its own input. Softmax and thresholds are not here but in `training.calibration`.
"""
