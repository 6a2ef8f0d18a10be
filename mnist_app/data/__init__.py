"""Labelled images: where they come from, and how they are changed for training.

`catalogue.load_dataset` loads a data set by name: `mnist`, the bundled digits, or a folder or ZIP
(`picture_folders`; `uploads` stores the ZIPs uploaded through the page). Images stay uint8 in
memory as `labelled_images.Digits`. `training_data.prepare` returns the images that one training
uses. `augmentation` changes images during training; `corruptions` changes them to test what a
network tolerates. `archives` reads the files in folders and ZIPs, within limits.
"""
