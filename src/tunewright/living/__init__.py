"""The living model: a registry of its versions, and which rows to label next."""
