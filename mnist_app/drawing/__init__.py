"""From pen, picture or photo to the normal form of MNIST's digits.

`normal_form.to_mnist` is what every drawing goes through before a network sees it. `pictures` reads
files, `photo` finds the ink on a photo, `segmentation` the digits of a number, `pen` draws strokes.
"""
