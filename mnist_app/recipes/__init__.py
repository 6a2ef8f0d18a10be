"""Recipe, all that a training depends on; the presets; the space of a search."""
