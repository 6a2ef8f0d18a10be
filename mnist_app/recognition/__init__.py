"""Use trained networks: read drawings, explain answers, compare networks.

`predictor.Predictor` reads a drawing and returns a `Prediction`. `explain` and `neighbours` show
why a network answers as it does. `assessment` and `comparison` show how good a network is.
`unlabelled` reads many pictures at once. `embedding` lays out a data set as a map.
"""
