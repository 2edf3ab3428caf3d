"""Names out of a stranger's files, fit to stand in a message."""

from __future__ import annotations


def show(name: str) -> str:
    """A name out of a file that nobody vouches for: short, and without control characters."""
    return ascii(name if len(name) <= 80 else name[:80] + "...")
