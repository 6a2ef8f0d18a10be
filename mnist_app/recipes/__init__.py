"""Recipe, all that a training depends on; the presets and their networks; the space of a search.

No module here loads torch: a run that waits its turn, the page's form and the command line's help
need recipes without it.
"""

from mnist_app.recipes import presets as presets  # a Recipe may name the networks of the presets
