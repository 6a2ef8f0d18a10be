"""Work in processes of its own: trainings, searches, computations."""
