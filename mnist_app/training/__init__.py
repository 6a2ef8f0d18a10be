"""The training loop, its events, and what measures a network."""
