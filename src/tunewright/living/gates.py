"""What has to hold before a challenger takes the champion's place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tunewright.metrics import in_words
from tunewright.metrics import metric as metric_of
from tunewright.records import Compared, Gate, Score
from tunewright.stats import rounded

MARGIN = 0.02  # of a bounded metric, that may be lost on the old rows where the interval does not exclude it
CONTRADICTED = 0.10  # of accuracy, below what was estimated, from which on labels are not believed without a word


def labels_gate(estimated: Score | None, actual: Score | None, *, trusted: bool) -> Gate:
    """Whether the new labels agree with the champion about as often as its confidence says they should.

    A batch whose labels were mixed up, or that somebody poisoned, looks to the champion like a sudden loss of accuracy
    on rows it is sure of. So does a world in which the right answers have changed: a person has to say which it is.

    Args:
        estimated: accuracy on the new rows without their labels, of classes that the champion knows.
        actual: accuracy by their labels.
        trusted: whether a person said that the labels are right.
    """
    name = "labels"
    if estimated is None or actual is None:
        return Gate(
            name=name, passed=True, detail="Too few of the new rows are like the old ones to hold their labels to."
        )
    short = estimated.value - actual.value
    said = (
        f"By the new labels the champion is right in {rounded(actual)} of the new rows that are like the old ones; "
        f"{rounded(estimated)} expected."
    )
    if actual.high >= estimated.low or short < CONTRADICTED:
        return Gate(name=name, passed=True, detail=said)
    if trusted:
        return Gate(name=name, passed=True, detail=f"{said} Somebody said that the labels are right.")
    return Gate(
        name=name,
        passed=False,
        detail=f"{said} Labels were mixed up, or the right answers have changed: look at the rows it is surest of, and "
        "if the labels are right say so with --trust-labels.",
    )


def better_gate(new: Compared | None, everything: Compared) -> Gate:
    """Whether the challenger is shown to be better on the new rows or on all held-out rows."""
    shown = [one for one in (new, everything) if one is not None and one.verdict == "better"]
    said = (shown[0] if shown else new or everything).text
    return Gate(name="better", passed=bool(shown), detail=said)


def new_rows_gate(new: Compared | None, *, rows: int) -> Gate:
    """Whether it is no worse on the new rows."""
    if new is None:
        return Gate(name="new rows", passed=True, detail=f"{rows} held-out new rows are too few to tell.")
    return Gate(name="new rows", passed=new.verdict != "worse", detail=new.text)


def old_rows_gate(old: Compared) -> Gate:
    """Whether what was known is kept: not worse, and no more than two points lost on the same rows."""
    bounded = None not in metric_of(old.metric).bounds
    lost = bounded and old.difference.value < -MARGIN
    passed = old.verdict != "worse" and not lost
    kept = "" if passed else f" At most {MARGIN:.0%} may be lost." if lost else ""
    return Gate(name="old rows", passed=passed, detail=old.text + kept)


def protected_gate(compared: Sequence[Compared]) -> Gate:
    """Whether no slice that the expert protects got worse, on old or new rows."""
    slices = [one for found in compared for one in found.slices if one.protected]
    worse = [one.condition for one in slices if one.verdict == "worse"]
    if not slices:
        return Gate(name="protected", passed=True, detail="No slice is protected.")
    said = f"Worse where {', and where '.join(worse)}." if worse else f"{len(slices)} protected slices are no worse."
    return Gate(name="protected", passed=not worse, detail=said)


def behaviours_gate(before: Sequence[str], after: Sequence[str]) -> Gate:
    """Whether every behaviour that the champion shows is shown by the challenger.

    Args:
        before: names of the behaviours that the champion fails.
        after: names of those that the challenger fails.
    """
    lost = sorted(set(after) - set(before))
    said = f"No longer shown: {', '.join(lost)}." if lost else "Everything that was asked of it before is still shown."
    return Gate(name="behaviours", passed=not lost, detail=said)


def parity_gate(parity: Mapping[str, object]) -> Gate:
    """Whether the bundle answers as what was trained."""
    passed = parity.get("passed") is True
    rows = parity.get("rows")
    return Gate(name="parity", passed=passed, detail=f"The bundle answers as what was trained on {rows} rows.")


def limits_gate(measured: Mapping[str, float], limits: Mapping[str, float]) -> Gate:
    """Whether the plan's limits are kept."""
    over = [f"{name} {measured[name]:g} of {most:g}" for name, most in limits.items() if measured.get(name, 0) > most]
    said = f"Over the limit: {', '.join(over)}." if over else "Within the plan's limits." if limits else "No limits."
    return Gate(name="limits", passed=not over, detail=said)


def verdict_of(gates: Sequence[Gate], *, metric: str) -> tuple[bool, str]:
    """Whether all passed, and why not."""
    failed = [one for one in gates if not one.passed]
    if not failed:
        return True, f"Every gate passed; the deciding metric is {in_words(metric)}."
    return False, " ".join(f"{one.name.capitalize()}: {one.detail}" for one in failed)
