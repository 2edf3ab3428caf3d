"""Taking new rows into a model: beside a full retrain (row 13), against forgetting, and after the data changed."""

from __future__ import annotations

import sys

from adapting_changes import CHANGES, changes
from adapting_refit import refit
from adapting_waves import waves
from common import Failed, options

PARTS = {"refit": refit, "waves": waves, "changes": changes}


def main():
    """Measure part after part; each writes a section of its own."""
    parser = options(__doc__, "pairs", "rows")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", type=int, default=3, help="of waves and changes")
    parser.add_argument("--sets", nargs="+", choices=CHANGES, default=list(CHANGES), help="of changes")
    given = parser.parse_args()
    for part in given.parts:
        try:
            PARTS[part](given)
        except Failed as problem:
            sys.exit(f"{part}: {problem}")


if __name__ == "__main__":
    main()
