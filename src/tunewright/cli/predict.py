"""`tunewright predict`: an answer for every row, as csv or jsonl."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunewright.cli.answer import Answer, json_text
from tunewright.cli.options import JsonOption, QuietOption

if TYPE_CHECKING:
    import polars as pl

ENDINGS = (".csv", ".jsonl")


def verb(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="The bundle folder of a run.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="Rows to answer for: csv, tsv, jsonl or parquet.")],
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE", help="NAME.csv or NAME.jsonl; default: csv to the terminal.")
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Predict for every row of DATA, in its order: the prediction and its confidence.

    A regression has `low` and `high`, a 90 % prediction interval, instead of a confidence. jsonl adds the
    probability of every label, and the set of labels that holds the true one in 90 % of the rows.
    """
    from tunewright.api import load
    from tunewright.cli.text import to_be_seen
    from tunewright.runfolder import write_text

    if out is not None and Path(out).suffix.lower() not in ENDINGS:
        raise typer.BadParameter(f"must end in {' or '.join(ENDINGS)}. Got {out}.", param_hint="--out")
    answers = load(bundle).predict(data)
    if out is None:
        text = to_be_seen(as_csv(answers))
        return Answer(value={"rows": answers.height, "predictions": _objects(answers)}, text=text)
    write_text(out, as_csv(answers) if out.lower().endswith(".csv") else as_jsonl(answers))
    return Answer(value={"rows": answers.height, "out": out}, text=f"{answers.height:,} predictions in {out}")


def as_csv(answers: pl.DataFrame) -> str:
    """Prediction and confidence (or interval) as csv; text that a spreadsheet would run is neutralised."""
    import polars as pl

    from tunewright.data.spreadsheet import neutral

    flat = answers.drop("probabilities", "set", strict=False)
    texts = [name for name, dtype in flat.schema.items() if dtype == pl.String]
    return flat.with_columns(pl.col(name).map_elements(neutral, return_dtype=pl.String) for name in texts).write_csv()


def as_jsonl(answers: pl.DataFrame) -> str:
    """One JSON object per row, with the probability of every label."""
    return "".join(json_text(row) + "\n" for row in _objects(answers))


def _objects(answers: pl.DataFrame) -> list[dict[str, Any]]:
    return answers.to_dicts()
