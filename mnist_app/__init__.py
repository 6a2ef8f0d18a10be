"""Draw a digit, see what a neural network makes of it, train such networks live."""
