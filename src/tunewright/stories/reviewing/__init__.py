"""Doubtful rows before a person, and what the person said about them."""
