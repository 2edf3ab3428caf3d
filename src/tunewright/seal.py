"""The seal: every look at a test part is counted, by its content, wherever the run folder lies.

The ledger is `TUNEWRIGHT_HOME/looks.jsonl`; a line names the content (an order-free digest) and the run that looked. A
run that is resumed does not look twice.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import polars as pl

from tunewright.data import row_digests
from tunewright.runfolder import Journal, RunLock
from tunewright.runfolder.home import home


def content_digest(test: pl.DataFrame) -> str:
    """Digest of a test part that does not depend on the order of its rows.

    >>> a = pl.DataFrame({"x": ["p", "q"]})
    >>> content_digest(a) == content_digest(a.reverse())
    True
    """
    digests = np.sort(row_digests(test, test.columns))
    return hashlib.sha256(digests.tobytes()).hexdigest()


def count_look(test: pl.DataFrame, *, by: str) -> int:
    """Enter a look into the ledger and return how many different runs have looked at this content, this one included.

    Args:
        test: typed rows of the test part.
        by: what names the run; stored as a digest only.
    """
    folder = home()
    folder.mkdir(parents=True, exist_ok=True)
    content = content_digest(test)
    looker = hashlib.sha256(by.encode()).hexdigest()[:16]
    with RunLock(folder), Journal(Path(folder) / "looks.jsonl") as ledger:
        lookers = {entry.data["by"] for entry in ledger.entries() if entry.data.get("content") == content}
        if looker not in lookers:
            ledger.append("look", {"content": content, "by": looker})
        return len(lookers | {looker})
