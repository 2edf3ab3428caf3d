"""A bundle at work: exported, served, measured, asked for the answers to a file."""
