"""The living model: what it is asked, whether that drifts, what it is still worth, and what takes its place."""
