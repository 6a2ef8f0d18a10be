"""The results that the app keeps on disk.

Other packages use `weights` (trained networks and their facts), `cache` (what was computed from
them), `ensemble` (several networks joined into one) and `tensors` (the format of all these files).
`reproduction` trains the presets and writes the table of results (`reproduction_table`).
`recalibration` refits the confidence of saved weights. `final_test` measures a kept trial on the
test images, and `accuracy_text` says how good a network is, or why that is not known.
"""
