"""Where things live that outlast a run: the feature cache and the ledger of looks."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """`TUNEWRIGHT_HOME`, or `tunewright` in the user's cache folder."""
    given = os.environ.get("TUNEWRIGHT_HOME")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tunewright"
