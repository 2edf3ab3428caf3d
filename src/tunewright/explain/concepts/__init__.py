"""Directions in the space of text vectors: found without labels, in both halves of the rows, and held to the model.

A direction is named by the words and the texts at its end, never by an invented word.
"""
