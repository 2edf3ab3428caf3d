"""The bundle: a fitted model on disk, and the `Predictor` that answers from it."""
