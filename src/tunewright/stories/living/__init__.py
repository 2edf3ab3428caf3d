"""A model after its first day: drift, new rows, challengers, promotion."""
