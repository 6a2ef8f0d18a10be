"""The reasons behind an answer, an expander each."""
