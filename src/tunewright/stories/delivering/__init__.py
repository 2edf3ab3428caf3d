"""What a run hands over, and the record of where it came from."""
