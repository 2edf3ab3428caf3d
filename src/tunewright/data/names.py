"""Names that were mistyped: which known one was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest(name: str, known: Iterable[str]) -> str:
    """Say which known name is close to `name`, as the end of an error message; empty when none is.

    >>> suggest("mesage", ["message", "team"])
    " Did you mean 'message'?"
    >>> suggest("x", ["message", "team"])
    ''
    """
    lowered = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower().strip(), lowered, n=1, cutoff=0.6)
    return f" Did you mean {lowered[close[0]]!r}?" if close else ""


def listed(names: Iterable[str], limit: int = 12) -> str:
    """Quote names in a row, cutting a long list.

    >>> listed(["a", "b", "c"], limit=2)
    "'a', 'b' and 1 more"
    """
    known = list(names)
    shown = ", ".join(repr(name) for name in known[:limit])
    return f"{shown} and {len(known) - limit} more" if len(known) > limit else shown
