"""What a trained network is good for: reading, explaining, comparing."""
