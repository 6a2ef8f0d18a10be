"""Draw a digit, see what a neural network makes of it, train such networks live."""

__version__ = "0.4.0"
