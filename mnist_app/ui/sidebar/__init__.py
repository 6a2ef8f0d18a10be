"""The sidebar."""
