"""Turn pen strokes, pictures and photos into the normal form of MNIST's digits.

Every drawing goes through `normal_form.to_mnist` before a network sees it. `pictures` reads files,
`photo` finds the ink in a photo, `segmentation` finds the digits of a number, and `pen` draws
strokes.
"""
