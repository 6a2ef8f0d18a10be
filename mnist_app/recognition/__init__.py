"""What a trained network is good for: reading, explaining, comparing.

`predictor.Predictor` reads a drawing and returns a `Prediction`. `explain` and `neighbours` show
why, `assessment` and `comparison` how good a network is, `unlabelled` reads many pictures at once,
`embedding` lays out a data set as a map.
"""
