"""HTML files about a result."""
