"""Features: what is fitted on the train rows to turn cells into numbers, one kind of column per file."""
