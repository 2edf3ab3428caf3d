"""`tunewright predict`: an answer for every row, as csv or jsonl; or the rows that are worth a label."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunewright.cli.answer import Answer, json_text
from tunewright.cli.options import JsonOption, QuietOption
from tunewright.cli.registry import RegistryOption

if TYPE_CHECKING:
    import polars as pl

ENDINGS = (".csv", ".jsonl")


def verb(
    bundle: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A bundle or run folder, a URL, or a name in the registry, NAME[@VERSION]."
        ),
    ],
    data: Annotated[str, typer.Argument(metavar="DATA", help="Rows to answer for: csv, tsv, jsonl or parquet; a URL.")],
    out: Annotated[
        str | None,
        typer.Option(
            "--out", metavar="FILE", help="NAME.csv or NAME.jsonl, also at a URL; default: csv to the terminal."
        ),
    ] = None,
    choose: Annotated[
        int | None,
        typer.Option("--choose", metavar="N", help="Instead: the N rows that are worth a label most, as a sheet."),
    ] = None,
    labelled: Annotated[
        str | None,
        typer.Option("--labelled", metavar="FILE", help="With --choose: rows that have a label; none like them."),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels", metavar="SHEET", help="Instead: the rows of DATA with the labels of a filled-in sheet."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", help="With --choose: of the draws. Default: 0.")
    ] = None,
    registry: RegistryOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Predict for every row of DATA, in its order: the prediction and its confidence.

    A regression has `low` and `high`, a 90 % prediction interval, instead of a confidence. jsonl adds the
    probability of every label, and the set of labels that holds the true one in 90 % of the rows.

    With --out DATA may be larger than memory: it is read in blocks, and the same command continues where it was killed.

    With --choose N nothing is predicted: the rows whose labels would teach the model most are written to a sheet, and
    --labels reads the sheet back.
    """
    from tunewright.api import load
    from tunewright.cli import labelling
    from tunewright.cli.text import to_be_seen
    from tunewright.living.address import locate
    from tunewright.remote import name_of, shown

    if choose is not None and labels is not None:
        raise typer.BadParameter("goes without --choose. Got both.", param_hint="--labels")
    for option, given in (("--labelled", labelled), ("--seed", seed)):
        if given is not None and choose is None:
            raise typer.BadParameter("belongs to --choose N. Got no --choose. Add it.", param_hint=option)
    if choose is not None:
        return labelling.choose(
            locate(bundle, registry=registry),
            data,
            budget=choose,
            out=out,
            labelled=labelled,
            registry=registry,
            seed=seed or 0,
        )
    if labels is not None:
        return labelling.read_back(locate(bundle, registry=registry), data, sheet=labels, out=out)
    if out is not None and Path(name_of(out)).suffix.lower() not in ENDINGS:
        raise typer.BadParameter(f"must end in {' or '.join(ENDINGS)}. Got {shown(out)}.", param_hint="--out")
    found = locate(bundle, registry=registry).bundle
    if out is not None:
        return _to_file(found, data, out, quiet=quiet)
    answers = load(found).predict(data)
    text = to_be_seen(as_csv(answers))
    return Answer(value={"rows": answers.height, "predictions": _objects(answers)}, text=text)


def _to_file(bundle: Path, data: str, out: str, *, quiet: bool) -> Answer:
    """Answer block by block; killed, the same command continues."""
    from tunewright.api import load
    from tunewright.cli import progress
    from tunewright.cli.signals import caught
    from tunewright.living.copies import bundle_digest
    from tunewright.remote import name_of, shown
    from tunewright.stories.deploying.predicting import Answers, predict_file

    form = Path(name_of(out)).suffix.lower()
    model = load(bundle)
    answers = Answers(model=model, digest=bundle_digest(bundle), form=form, render=_RENDERS[form])
    with caught(), progress.shown(quiet=quiet) as observe:
        rows = predict_file(answers, data, out, observe=observe)
    return Answer(value={"rows": rows, "out": shown(out)}, text=f"{rows:,} predictions in {shown(out)}")


def as_csv(answers: pl.DataFrame, *, header: bool = True) -> str:
    """Prediction and confidence (or interval) as csv; text that a spreadsheet would run is neutralised."""
    import polars as pl

    from tunewright.data.spreadsheet import neutral

    flat = answers.drop("probabilities", "set", strict=False)
    texts = [name for name, dtype in flat.schema.items() if dtype == pl.String]
    safe = flat.with_columns(pl.col(name).map_elements(neutral, return_dtype=pl.String) for name in texts)
    return safe.write_csv(include_header=header)


def as_jsonl(answers: pl.DataFrame) -> str:
    """One JSON object per row, with the probability of every label."""
    return "".join(json_text(row) + "\n" for row in _objects(answers))


def _objects(answers: pl.DataFrame) -> list[dict[str, Any]]:
    return answers.to_dicts()


_RENDERS: dict[str, Callable[[pl.DataFrame, bool], str]] = {
    ".csv": lambda answers, first: as_csv(answers, header=first),
    ".jsonl": lambda answers, first: as_jsonl(answers),
}
