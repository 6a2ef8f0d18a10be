"""The reasons behind an answer, each in an expander."""
