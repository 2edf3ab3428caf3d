"""Row 14: what `import tunewright` and `tunewright --help` cost, beside bare Python and `import transformers`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from common import judged, median, options, report, spread

TIMES = 15


def commands():
    """{name: command}, each in our own environment; transformers is the version we run on."""
    tool = Path(sys.executable).with_name("tunewright")
    verb = [str(tool)] if tool.exists() else [sys.executable, "-m", "tunewright"]
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import tunewright": [sys.executable, "-c", "import tunewright"],
        "import transformers": [sys.executable, "-c", "import transformers"],
        "tunewright --help": [*verb, "--help"],
    }


def main():
    """Measure all four alternately and write the section."""
    parser = options(__doc__)
    parser.add_argument("--times", type=int, default=TIMES, help="runs of each command")
    given = parser.parse_args()
    found = {name: [] for name in commands()}
    for turn in range(given.times + 1):
        for name, command in commands().items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ)
            if turn:  # the first turn only warms the disk cache and writes bytecode
                found[name].append({"ms": (time.perf_counter() - start) * 1000})
    table = []
    for ours, peer, goal in (
        ("import tunewright", "python -c pass", 3.0),
        ("tunewright --help", "import transformers", 1 / 3),
    ):
        ratio = median(found[ours], "ms") / median(found[peer], "ms")
        line = {"ours": ours, "ms": spread(found[ours], "ms"), "peer": peer, "peer's ms": spread(found[peer], "ms")}
        goal_text = f"row 14: ≤ {'⅓' if goal < 1 else '3×'}, {judged(ratio, goal, below=True)}"
        table.append(line | {"ours / peer": f"{ratio:.2f}", "goal": goal_text})
    notes = [
        f"{given.times} runs of each command, alternately, after one that is not counted; medians, least to greatest."
    ]
    report(table, notes, given)


if __name__ == "__main__":
    main()
