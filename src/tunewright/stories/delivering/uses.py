"""What a model is for, what it is not for, and where it is known to fail: sentences that follow from measurements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tunewright.data.names import listed
from tunewright.data.wording import joined
from tunewright.metrics.rivals import baseline
from tunewright.records import DataEvidence, Evaluation, Finding, Table

if TYPE_CHECKING:
    from tunewright.learning.fit import Fitted

RARE = 10  # test rows of a class up to which next to nothing is known of it
MOST_LABELS = 12


def uses_of(table: Table, labels: Sequence[str]) -> tuple[str, ...]:
    """What goes in, what comes out, and for which rows that is measured."""
    names = listed([c.name for c in table.columns if c.role == "feature"])
    if table.task == "regression":
        goal = f"It predicts the number {table.target!r}"
    elif table.task == "multilabel":
        goal = f"It says which of {len(labels)} labels a row has in {table.target!r}"
    else:
        goal = f"It says which of {len(labels)} classes a row has in {table.target!r}"
    said = [f"{goal} from {names}."]
    if labels and len(labels) <= MOST_LABELS:
        said.append(f"It knows {', '.join(labels)} and nothing else: a row of another kind gets one of these.")
    elif labels:
        said.append(f"It knows these {len(labels)} labels and nothing else: a row of another kind gets one of them.")
    said.append(
        "Its scores are those of rows that come from where its training data came from. For other rows they promise "
        "nothing: score it on labelled ones first (`tunewright evaluate`)."
    )
    return tuple(said)


def caveats_of(
    evaluation: Evaluation, data: DataEvidence, findings: Sequence[Finding], fitted: Fitted
) -> tuple[str, ...]:
    """What speaks against relying on it, each with its number."""
    return tuple(_limits(evaluation, data, findings, fitted))


def _limits(evaluation: Evaluation, data: DataEvidence, findings: Sequence[Finding], fitted: Fitted) -> Iterator[str]:
    rivals = [baseline(one.b, fitted.model.task.kind) for one in evaluation.comparisons if one.verdict == "worse"]
    if rivals:
        yield f"The simpler {joined(rivals)} did better on the same test rows."
    if data.cut_share:
        yield (
            f"It reads {data.max_length} tokens of a text. {data.cut_share:.1%} of the train texts are longer; what "
            "stands behind that has no part in the network's answer."
        )
    yield from _of_classes(evaluation)
    if evaluation.robustness is not None:
        falls = [one.name for one in evaluation.robustness.damages if one.verdict == "falls"]
        if falls:
            yield f"Its {evaluation.metric} gets worse where rows come with {', '.join(falls)}."
    yield from (f"Protected: {one['text']}" for one in evaluation.slices if one["verdict"] == "worse")
    failed = sum(one["verdict"] == "failed" for one in evaluation.behaviours)
    if failed:
        yield _failing(failed, len(evaluation.behaviours))
    grave = sorted({one.kind.replace("_", " ") for one in findings if one.severity == "error"})
    if grave:
        yield f"The audit of its data found, as errors: {', '.join(grave)}."
    if any(one.kind == "sensitive" for one in findings):
        yield "Its training data hold what looks like personal data; what it learned from them may show."
    if fitted.trained.diagnosis is not None and fitted.trained.diagnosis.verdict != "good":
        yield f"Its training was judged: {fitted.trained.diagnosis.verdict}."


def _failing(failed: int, asked: int) -> str:
    """Behaviours that fail, of so many.

    >>> _failing(1, 3), _failing(1, 1)
    ('1 of the 3 behaviours that the plan asks for fails.', 'The one behaviour that the plan asks for fails.')
    """
    if asked == 1:
        return "The one behaviour that the plan asks for fails."
    return f"{failed} of the {asked} behaviours that the plan asks for {'fails' if failed == 1 else 'fail'}."


def _of_classes(evaluation: Evaluation) -> Iterator[str]:
    counts = {label: max((score.n for name, score in scores.items() if name == "recall"), default=0)
              for label, scores in evaluation.per_class.items()}  # fmt: skip
    absent = [label for label, n in counts.items() if n == 0]
    rare = [label for label, n in counts.items() if 0 < n < RARE]
    if absent:
        yield f"No test row has {_some(absent)}: nothing is known of how well it finds these."
    if rare:
        yield f"Fewer than {RARE} test rows each have {_some(rare)}: little is known of these."


def _some(labels: Sequence[str]) -> str:
    """The first few by name.

    >>> _some(["a", "b"]), _some(["a"] * 9)
    ('a, b', 'a, a, a, a, a and 4 more')
    """
    return ", ".join(labels) if len(labels) <= 6 else f"{', '.join(labels[:5])} and {len(labels) - 5} more"
