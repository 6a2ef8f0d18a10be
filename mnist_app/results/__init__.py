"""What is kept on disk.

Others use `weights` (trained networks and their facts), `cache` (what was computed from them),
`ensemble` (networks joined into one) and `tensors` (the format of all these files).
"""
