"""Labelled images: where they come from, and how they are changed for training.

`catalogue.load_dataset` knows data sets by name: `mnist`, the bundled digits, a folder or ZIP
(`picture_folders`; `uploads` keeps those that come through the page). Images stay uint8 in memory
as `labelled_images.Digits`. `training_data.prepare` returns what one training uses. `augmentation`
changes images while it trains, `corruptions` to see what a network bears. `archives` reads the
files in folders and ZIPs within limits.
"""
