"""What is kept: trained networks as files, and a cache of what was computed."""
