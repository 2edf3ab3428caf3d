"""Names that were mistyped: which known one was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from tunewright.data.masking import masked

_LONGEST = 60


def suggest(name: str, known: Iterable[str]) -> str:
    """Say which known name is close to `name`, as the end of an error message; empty when none is.

    >>> suggest("mesage", ["message", "team"])
    " Did you mean 'message'?"
    >>> suggest("x", ["message", "team"])
    ''
    """
    lowered = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower().strip(), lowered, n=1, cutoff=0.6)
    return f" Did you mean {_cut(masked(lowered[close[0]]))!r}?" if close else ""


def listed(names: Iterable[str], limit: int = 12) -> str:
    """Quote names in a row, cutting a long list and long names; the names of a file without a header are its first row.

    >>> listed(["a", "b", "c"], limit=2), listed(["ann@mail.example"])
    ("'a', 'b' and 1 more", "'a***@***.example'")
    """
    known = list(names)
    shown = ", ".join(repr(_cut(masked(name))) for name in known[:limit])
    return f"{shown} and {len(known) - limit} more" if len(known) > limit else shown


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
