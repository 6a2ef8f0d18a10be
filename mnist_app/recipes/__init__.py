"""Recipe, all that a training depends on; the presets and their networks; the space of a search.

`recipe.Recipe` has the fields, whose labels and ranges are in `annotations`. `presets` lists the
presets with their sources; `layers` and `layer_tables` say what networks are made of;
`search_space` has the trials of a search. No module here loads torch: a run that waits its turn,
the page's form and the command line's help need recipes without it.
"""

from mnist_app.recipes import presets as presets  # a Recipe may name the networks of the presets
