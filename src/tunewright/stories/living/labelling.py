"""`predict --choose` and `predict --labels`: rows out to be labelled, labels back in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunewright.bundle.predictor import Predictor
from tunewright.data import read
from tunewright.errors import PlanError
from tunewright.living.address import Located, registry_folder
from tunewright.living.choosing import choose_rows
from tunewright.living.evidence import known_slices
from tunewright.living.registry import Registry
from tunewright.living.sheet import Labelled, check_place, read_labels, write_sheet
from tunewright.records import Choice
from tunewright.runfolder import RunFolder

ENDINGS = (".jsonl", ".parquet")


def choose_story(
    located: Located,
    data: Any,
    *,
    budget: int,
    out: str | Path,
    labelled: str | None = None,
    registry: str | None = None,
    seed: int = 0,
) -> Choice:
    """Choose the rows of a file that are worth a label most, and write them as a sheet to fill in.

    Args:
        located: the model.
        data: unlabelled rows, a path or a URL.
        budget: how many.
        out: the sheet.
        labelled: a file of rows that have a label already.
        registry: where the model is registered, if it is.
        seed: of the draws.

    Raises:
        DataError: the rows cannot be read or lack a column, or none is left to choose from.
        PlanError: a budget below 1, or a sheet that must not be replaced.
        RunError: the disk refused.
    """
    check_place(out)
    predictor = Predictor.load(located.bundle)
    raw = read(data).frame
    choice = choose_rows(
        predictor,
        raw,
        budget=budget,
        labelled=None if labelled is None else read(labelled).frame,
        slices=slices_of(located, registry=registry),
        seed=seed,
    )
    write_sheet(out, choice, raw, predictor.model.preprocessor.table)
    return choice


def labels_story(located: Located, data: Any, sheet: str | Path) -> Labelled:
    """Join the labels of a sheet to the rows of the file that it was written for.

    Raises:
        DataError: the file changed since, or the sheet has mistakes; all of them are named.
    """
    model = Predictor.load(located.bundle).model
    return read_labels(sheet, read(data).frame, table=model.preprocessor.table, task=model.task)


def slices_of(located: Located, *, registry: str | None = None) -> tuple[str, ...]:
    """Conditions of the slices in which a model errs most, as its run or its version in the registry tells them."""
    if located.name is not None and located.version is not None:
        version = Registry(registry_folder(registry)).version(located.name, located.version)
        return version.evidence.slices
    run = RunFolder(located.bundle.resolve().parent)
    return known_slices(run) if run.bundle == located.bundle.resolve() and run.journal.is_file() else ()


def write_labelled(path: str | Path, found: Labelled) -> None:
    """Write rows with their labels, for training: .jsonl or .parquet, in which no cell has to be altered.

    Raises:
        PlanError: another ending.
        RunError: the disk refused.
    """
    import io

    from tunewright.runfolder import write_bytes

    buffer = io.BytesIO()
    if check_ending(path) == ".jsonl":
        found.rows.write_ndjson(buffer)
    else:
        found.rows.write_parquet(buffer)
    write_bytes(path, buffer.getvalue())


def check_ending(path: str | Path) -> str:
    """The ending of a file for labelled rows.

    Raises:
        PlanError: it is none of those in which no cell has to be altered.
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise PlanError(f"Labelled rows must go to {' or '.join(ENDINGS)}. Got {Path(path).name}. Rename it.")
    return ending
