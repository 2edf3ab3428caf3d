"""The packaged example: 918 messages to the support desk of a company that does not exist.

Every message was written for this package, one by one, about Fernhollow, a fictional maker of garden sensors. No real
person, company or message is in it, and none was made from a template. What to predict is the `team` that a message
belongs to. Some faults are planted for the audit to find; `faults` lists every one of them, `README.md` beside this
file says how they were made.
"""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any


def path() -> Path:
    """Return where `support_desk.csv` lies on disk.

    >>> path().name
    'support_desk.csv'
    """
    return _file("support_desk.csv")


def faults() -> dict[str, dict[str, Any]]:
    """Return the planted faults: finding kind to `rows` (zero-based data rows), `columns`, `note` and details.

    Details, where a kind has them: `groups` (lists of rows that belong together), `cells` (planted value to its rows)
    and `truth` (row number, as a string, to what the cell would hold without the fault).

    >>> sorted(faults())[:3]
    ['duplicates', 'label_errors', 'label_format']
    """
    listed: dict[str, dict[str, Any]] = json.loads(_file("FAULTS.json").read_text(encoding="utf-8"))
    return listed


def _file(name: str) -> Path:
    # Wheels are installed unpacked, so the resource is a real file and needs no temporary copy.
    return Path(str(files(__name__) / name))
