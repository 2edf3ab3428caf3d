"""What a keeper is told to do: the file behind `tunewright keep MODEL --plan keep.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tunewright.errors import PlanError
from tunewright.planfile import above, at_least, between, convert, plan_error, read_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepOptions:
    """How a model is kept good.

    Args:
        log: rows that the model was asked, in the order they came: a file that grows.
        labelled: rows with a label that may be learned from: a file that grows, or one that is replaced. null: only
            watch.
        labels: labels that arrive later, joined to the log by `id`; null: the log has them, or there are none.
        id: the column by which labels are joined.
        every_rows: rows of the log per look.
        level: chance of an alarm where nothing has changed.
        minutes: between two rounds.
        adapt_on: when to adapt: on alarm, or as soon as there are `new_rows` labelled rows, alarm or not.
        new_rows: labelled rows that the champion has not seen, before which adapting is not tried.
        promote: whether what passes every gate is promoted; otherwise it is only proposed.
        webhook: a URL that is told of alarms and decisions by a POST of JSON; null: nobody.

    >>> KeepOptions(log="requests.jsonl").every_rows
    500
    """

    log: str | None = None
    labelled: str | None = None
    labels: str | None = None
    id: str | None = None
    every_rows: int = field(default=500, metadata={"check": at_least(20, example=500)})
    level: float = field(default=0.05, metadata={"check": between(0, 0.5, ends="()")})
    minutes: float = field(default=60.0, metadata={"check": above(0, example=60)})
    adapt_on: Literal["alarm", "rows"] = "alarm"
    new_rows: int = field(default=200, metadata={"check": at_least(60, example=200)})
    promote: bool = True
    webhook: str | None = None


def read_keep_plan(path: Path) -> KeepOptions:
    """Read the file.

    Raises:
        PlanError: it cannot be read, or lists all that is wrong in it.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"{path} must be a readable plan in UTF-8. Got: {error}. Check the path.") from error
    tree, problems = read_yaml(text)
    options, wrong = convert(KeepOptions, tree if isinstance(tree, dict) else None)
    found = [*problems, *wrong]
    if found:
        raise plan_error(found, source=f"The plan {path}")
    if options.log is None:
        raise PlanError(f"A keeper needs a log to look at. {path} names none. Write log: requests.jsonl.")
    if options.labels is not None and options.id is None:
        raise PlanError(f"Labels are joined to the log by a column. {path} names none. Write id: ticket_id.")
    if options.webhook is not None and not options.webhook.startswith(("http://", "https://")):
        raise PlanError(f"webhook must be an http or https URL. Got {_brief(options.webhook)}. Correct it.")
    return options


def _brief(value: Any) -> str:
    text = str(value)
    return repr(text if len(text) <= 40 else text[:40] + "…")
