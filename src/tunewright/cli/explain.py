"""`tunewright explain`: which words and columns pushed an answer, and which training rows are like it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import JsonOption, QuietOption

if TYPE_CHECKING:
    from tunewright.records import Explanation
    from tunewright.runfolder import RunFolder

ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".parquet", ".gz")


def verb(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="A bundle, or a run folder.")],
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[TEXT or DATA]",
            help="A text, a row as a JSON object, or a data file. Default: what the run's model looks at as a whole.",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="FILE", help="Labelled rows to look for neighbours in. Default: the run's."),
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", metavar="LABEL", help="Explain this label. Default: the one said.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option("--method", metavar="NAME", help="occlusion or integrated_gradients. Default: the best measured."),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="How many rows of DATA are explained.")] = 100,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Say why BUNDLE answers TEXT, or each row of DATA, as it does.

    Every word and every column gets a weight: how far it pushed towards the answer. A method that fails its checks on
    this model is not shown. With a run folder, the nearest train rows that agree and disagree stand beside.

    Example: tunewright explain runs/tickets-1a2b3c4d "My invoice is wrong again"
    """
    from tunewright.api import load
    from tunewright.cli.highlight import rows_text
    from tunewright.records import to_json
    from tunewright.runfolder import RunFolder
    from tunewright.stories.judging.explaining import explain_story

    run = RunFolder(Path(bundle))
    if what is None:
        return _whole(run)
    predictor = load(run.bundle if run.journal.is_file() else bundle)
    table = is_data(what)
    told = explain_story(
        predictor, Path(bundle), Path(what) if table else what, data=data, label=label, method=method, most=rows
    )
    about = {"method": told.method, "checks": to_json(told.checks), "about": list(told.notes)}
    explained = [to_json(one) for one in told.rows]
    value: dict[str, Any] = {"explanations": explained, **about} if table else {**explained[0], **about}
    return Answer(value=value, text=rows_text(told, single=not table))


def is_data(what: str) -> bool:
    """Whether an argument names a file of rows: there is such a file, or it ends as one does and has no blank.

    >>> is_data("new.csv"), is_data("see new.csv please"), is_data("hello")
    (True, False, False)
    """
    ends = what.lower().endswith(ENDINGS) and not any(sign.isspace() for sign in what)
    try:
        return ends or Path(what).is_file()
    except (OSError, ValueError):  # a text that is too long for a name, or holds what no name can
        return False


def _whole(run: RunFolder) -> Answer:
    """What the model of a run looks at, from the run folder."""
    from tunewright.cli.highlight import whole_text
    from tunewright.errors import RunError
    from tunewright.records import Explanation, from_json, to_json
    from tunewright.runfolder import read_json

    if not run.explanation_json.is_file():
        raise RunError(
            f"Without TEXT or DATA, a run is explained as a whole. {run.path} holds no explanation.json: it is no run "
            'folder, or an earlier release made it. Add a text: explain BUNDLE "some text".'
        )
    found: Explanation = from_json(Explanation, read_json(run.explanation_json))
    return Answer(value=to_json(found), text=whole_text(found))
