"""What stages share: the feature cache, the probe, decisions fitted on validation, and `fit`, from rows to a model."""
