"""Recipes, presets and their networks, and the space of a search.

`recipe.Recipe` holds everything a training run depends on. The labels and ranges of its fields are
in `annotations`. `presets` lists the presets with their sources. `layers` and `layer_tables` say
what networks are made of. `search_space` has the trials of a search. No module here loads torch: a
waiting run, the page's form and the command line's help need recipes without it.
"""

from mnist_app.recipes import presets as presets  # registers the networks that a Recipe may name
