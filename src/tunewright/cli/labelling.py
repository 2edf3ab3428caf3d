"""What `tunewright predict` does for labelling: rows out with --choose, labels back in with --labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import refuse_urls

if TYPE_CHECKING:
    from tunewright.living.address import Located


def choose(
    located: Located,
    data: str,
    *,
    budget: int,
    out: str | None,
    labelled: str | None,
    registry: str | None,
    seed: int,
) -> Answer:
    """Write the rows that are worth a label most as a sheet."""
    from tunewright.cli.text import table
    from tunewright.records import to_json
    from tunewright.stories.living.labelling import choose_story

    if out is None:
        raise typer.BadParameter("is needed with --choose: the sheet to fill in, NAME.csv.", param_hint="--out")
    refuse_urls({"--out": out})
    found = choose_story(located, data, budget=budget, out=out, labelled=labelled, registry=registry, seed=seed)
    rows = [("row", "why"), *((str(one.row), one.why) for one in found.rows[:5])]
    lines = [found.text, "", table(rows), "", f"All of them are in {out}. Fill in the column label, then:"]
    lines.append(f"tunewright predict MODEL DATA --labels {out} --out labelled.jsonl")
    return Answer(value={"out": out, **to_json(found)}, text="\n".join(lines))


def read_back(located: Located, data: str, *, sheet: str, out: str | None) -> Answer:
    """Join the labels of a sheet to their rows, and write these as training data."""
    from tunewright.data.names import listed
    from tunewright.stories.living.labelling import check_ending, labels_story, write_labelled

    if out is None:
        raise typer.BadParameter(
            "is needed with --labels: where the labelled rows go, NAME.jsonl or NAME.parquet.", param_hint="--out"
        )
    refuse_urls({"--out": out})
    check_ending(out)
    found = labels_story(located, data, sheet)
    write_labelled(out, found)
    value = {
        "out": out,
        "rows": found.rows.height,
        "empty": found.empty,
        "new_labels": dict(found.new),
        "hints": dict(found.hints),
    }
    text = [f"{found.rows.height:,} labelled rows are in {out}."]
    if found.empty:
        text.append(f"{found.empty:,} lines of the sheet have no label yet.")
    if found.new:
        text.append(f"Labels that the model does not know: {listed(found.new)}.")
        text += [f"{label!r}: {hint}" for label, hint in found.hints.items()]
    return Answer(value=value, text="\n".join(text))
