"""The layers and the networks built from them.

`models` builds the network of a recipe. It takes float32 (N, 1, 28, 28) in [0, 1] and returns raw
logits. Each network scales its own input. Softmax and thresholds are in `training.calibration`.
"""
