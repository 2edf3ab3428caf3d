"""What damage does to a model, in a sentence or two."""

from __future__ import annotations

from tunewright.data.wording import joined
from tunewright.metrics import in_words, metric
from tunewright.records import Damage, Robustness
from tunewright.stats import rounded


def told(found: Robustness) -> str:
    r"""Which damages make the metric worse, the worst first, and with which that was not shown: a loss rises by them.

    >>> from tunewright.records import Score
    >>> fall = Score(value=0.05, low=0.02, high=0.08, n=200)
    >>> typos = Damage(name="typos", kind="typos", changed=200, fall=fall, p_value=0.01, verdict="falls")
    >>> case = Damage(name="upper case", kind="case", changed=200, fall=None, p_value=None, verdict="no evidence")
    >>> found = Robustness(metric="f1", part="test", rows=200, of=900, score=None, damages=(typos, case), text="")
    >>> print(told(found).replace("ways. ", "ways.\n"))
    200 of 900 test rows were damaged in 2 ways.
    The F1 falls by 0.050 (0.020–0.080) with typos. No fall is shown with upper case.
    """
    whole = f"all {found.of:,}" if found.rows == found.of else f"{found.rows:,} of {found.of:,}"
    acted = [one for one in found.damages if one.verdict != "nothing to change"]
    if not acted:
        return f"No cell of {whole} {found.part} rows can be damaged in a way that is known here."
    ways = "1 way" if len(acted) == 1 else f"{len(acted)} ways"
    said = [f"{whole[:1].upper()}{whole[1:]} {found.part} rows were damaged in {ways}."]
    worse, better = ("fall", "rise") if metric(found.metric).greater_is_better else ("rise", "fall")
    falls = sorted((one for one in acted if one.verdict == "falls"), key=_size, reverse=True)
    if falls:
        before = "" if found.score is None else f" from {rounded(found.score).partition(' (')[0]}"
        said.append(f"The {in_words(found.metric)} {worse}s{before} {joined([_fall(one) for one in falls])}.")
    rises = [one.name for one in acted if one.verdict == "rises"]
    if rises:
        subject = "It" if falls else f"The {in_words(found.metric)}"
        said.append(f"{subject} {better}s with {joined(rises)}.")
    others = [one.name for one in acted if one.verdict in ("no evidence", "not defined")]
    if others:
        said.append(f"No {worse} is shown with {joined(others)}.")
    return " ".join(said)


def _size(one: Damage) -> float:
    return one.fall.value if one.fall is not None else 0.0


def _fall(one: Damage) -> str:
    assert one.fall is not None
    return f"by {rounded(one.fall).rpartition(', n ')[0]}) with {one.name}"
