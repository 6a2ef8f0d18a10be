"""Labelled images: where they come from, and how they are changed for training.

`catalogue.load_dataset` knows data sets by name: MNIST, the bundled digits, a folder or ZIP. Images
stay uint8 in memory as `labelled_images.Digits`. `training_data.prepare` returns what one training
uses. `archives` reads the files in folders and ZIPs within limits.
"""
