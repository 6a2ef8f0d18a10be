"""From pen, picture or photo to the normal form of MNIST's digits."""
