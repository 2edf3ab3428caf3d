"""How the report speaks: numbers rounded to what their interval supports, names and verdicts in words, safe text."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tunewright.learning.diagnosis import ADVICE
from tunewright.metrics import in_words
from tunewright.metrics.rivals import baseline as baseline  # the report names them like everything else
from tunewright.records import Comparison, Diagnosis, Evaluation, Score, TaskKind
from tunewright.stats import rounded

SPLITS = {
    "stratified": "Stratified: every part holds each class in its share; rows that are alike stay together.",
    "by_time": "By time: trained on the past, tested on what came last.",
    "given": "As given: the parts came with the data.",
}
# C0 and C1 controls but tab and newline (terminals act on ESC), lone surrogates (not encodable), and the marks
# that reorder or hide text.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def visible(text: str) -> str:
    r"""Replace characters that act instead of showing (ESC, NUL, reordering marks) by a sign that can be seen.

    >>> visible("a\x1b[31mb\x00")
    'a␛[31mb␀'
    >>> visible("a\u202eb")
    'a⟨U+202E⟩b'
    """
    return _UNSAFE.sub(_sign, text)


def _sign(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def value(score: Score) -> str:
    """Write the value of a score, rounded to what its interval supports; a dash where it is not defined.

    >>> value(Score(value=0.91234, low=0.8934, high=0.9278, n=1240))
    '0.912'
    """
    return _parts(score)[0]


def interval(score: Score) -> str:
    """Write the 95 % interval of a score at the value's own precision.

    >>> interval(Score(value=-0.0123, low=-0.0334, high=0.0078, n=1240))
    '−0.033 to 0.008'
    """
    return _parts(score)[1]


def _parts(score: Score) -> tuple[str, str]:
    if not all(math.isfinite(x) for x in (score.value, score.low, score.high)):
        return "–", "not defined"
    written, _, rest = rounded(score).partition(" (")
    return written.replace("-", "−"), rest.rpartition(", n ")[0].replace("-", "−").replace("–", " to ")


def beside(number: float, score: Score | None) -> str:
    """Write a number without an interval of its own at the precision of a comparable score.

    >>> beside(0.90457, Score(value=0.91234, low=0.8934, high=0.9278, n=1240))
    '0.905'
    """
    width = (score.high - score.low) if score else 0.0
    return value(Score(value=number, low=number, high=number + width, n=0))


def count(value: int) -> str:
    """Write a count with thousands separated.

    >>> count(12345)
    '12,345'
    """
    return f"{value:,}"


def share(part: int, whole: int) -> str:
    """Write a share in per cent; never 0 % or 100 % for what is not.

    >>> share(1, 3), share(1, 5000), share(4999, 5000)
    ('33 %', '< 1 %', '> 99 %')
    """
    if whole <= 0:
        return "–"
    percent = round(100 * part / whole)
    if percent == 0 and part > 0:
        return "< 1 %"
    return "> 99 %" if percent == 100 and part < whole else f"{percent} %"


def seconds(value: float) -> str:
    """Write a duration.

    >>> seconds(0.034), seconds(12.34), seconds(200), seconds(7384)
    ('0.03 s', '12 s', '3 min 20 s', '2 h 3 min')
    """
    if value < 10:
        return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def p_value(value: float | None) -> str:
    """Write a p value.

    >>> p_value(0.00002), p_value(0.0312), p_value(0.43), p_value(None)
    ('< 0.001', '0.031', '0.43', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    if value < 0.001:
        return "< 0.001"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def cut(text: str, length: int) -> str:
    """Cut a text to so many characters, on one line.

    >>> cut("a rather long label", 10)
    'a rather …'
    """
    line = " ".join(visible(text).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def capital(text: str) -> str:
    """Start a text with a capital letter, leaving the rest alone.

    >>> capital("macro F1")
    'Macro F1'
    """
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """Make a sentence of a clause: a capital at the start, a full stop at the end.

    >>> sentence("the target has 12 distinct values")
    'The target has 12 distinct values.'
    """
    text = capital(text.strip())
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def split(how: str) -> str:
    """Say how the rows were split.

    >>> split("given"), split("by customer")
    ('As given: the parts came with the data.', 'By customer.')
    """
    return SPLITS.get(how) or sentence(how)


def proof(items: Mapping[str, Any]) -> dict[str, str]:
    """Say what proves a split: terms and texts; class shares become their largest difference between parts.

    >>> proof({"straddling_clusters": 0, "class_shares": {"train": {"a": 0.51}, "test": {"a": 0.5}}})["Class shares"]
    'differ by at most 1.0 points between parts (a)'
    """
    rest, said = dict(items), {}
    if "straddling_clusters" in rest:
        crossing = rest.pop("straddling_clusters")
        groups = f"{count(crossing)} group{'s' if crossing != 1 else ''}"
        said["Rows that are alike"] = f"{groups if crossing else 'none'} in more than one part"
    if isinstance(rest.get("overlaps"), Mapping):
        counted = {name.replace("_", " "): n for name, n in rest.pop("overlaps").items()}
        said["Overlaps between parts"] = ", ".join(f"{name} {count(n)}" for name, n in counted.items())
    if isinstance(rest.get("class_shares"), Mapping):
        parts = [shares for shares in rest.pop("class_shares").values() if any(shares.values())]
        labels = dict.fromkeys(label for shares in parts for label in shares)
        spread = {label: [shares.get(label, 0.0) for shares in parts] for label in labels}
        gaps = {label: max(values) - min(values) for label, values in spread.items()}
        if gaps:
            worst = max(gaps, key=lambda label: gaps[label])
            said["Class shares"] = f"differ by at most {100 * gaps[worst]:.1f} points between parts ({worst})"
    return said | {capital(key.replace("_", " ")): plain(item) for key, item in rest.items()}


def best_baseline(evaluation: Evaluation, *, same: str = "") -> Comparison | None:
    """Find the paired comparison with the strongest baseline: the one our model leads by the least.

    Args:
        evaluation: comparisons whose `a` is the model and `b` the baseline.
        same: a baseline that *is* the kept model, which says nothing about it.
    """
    rivals = [c for c in evaluation.comparisons if c.metric == evaluation.metric and c.b != same]
    rivals = [c for c in rivals if math.isfinite(c.difference.value)]
    return min(rivals, key=lambda c: c.difference.value, default=None)


def headline(evaluation: Evaluation, *, task: TaskKind, same: str = "") -> str:
    """Say in one sentence how good the model is on the test part and how it compares to the best baseline."""
    score = evaluation.metrics.get("test", {}).get(evaluation.metric)
    if score is None:
        return evaluation.verdict.text
    name = capital(in_words(evaluation.metric))
    said = f"{name} is {value(score)} on {count(score.n)} test rows (95 % interval {interval(score)})"
    rival = best_baseline(evaluation, same=same)
    return f"{said}{_against(rival, task)}." if rival else f"{said}."


def _against(rival: Comparison, task: TaskKind) -> str:
    name, gap = baseline(rival.b, task), rival.difference
    margin = f"{value(gap).lstrip('−')} (difference {interval(gap)})"
    if rival.verdict == "better":
        return f", better than the best baseline, {name}, by {margin}"
    if rival.verdict == "worse":
        return f"; a baseline wins: {name} is better by {margin}"
    if gap.value == 0:
        return f", the same as the best baseline, {name}: no evidence that either is better"
    side, claim = ("ahead of", "better") if gap.value > 0 else ("behind", "worse")
    return f"; it is {margin} {side} the best baseline, {name}, which is no evidence that it is {claim}"


def comparison(record: Comparison, *, task: TaskKind, same: str = "") -> str:
    """Say what a paired comparison with a baseline shows."""
    name = baseline(record.b, task)
    if record.b == same:
        return "The kept model is this probe."
    if record.verdict == "better":
        return f"Our model is better than the {name}."
    if record.verdict == "worse":
        return f"The {name} is better than our model."
    return "No evidence of a difference."


def advice(found: Diagnosis) -> str:
    """What may help a training that went wrong, most likely first; keys of a newer release are left out.

    >>> advice(Diagnosis(verdict="underfit", text="", advice=("more_epochs",)))
    'raise training.epochs'
    """
    return "; ".join(ADVICE[key] for key in found.advice if key in ADVICE)


def plain(item: Any) -> str:
    """Write any JSON value of a proof or a decision in words, on one line.

    >>> plain({"duplicates_across": 0, "grouped": True, "parts": ["train", "test"]})
    'duplicates across: 0; grouped: yes; parts: train, test'
    """
    if isinstance(item, Mapping):
        return "; ".join(f"{str(key).replace('_', ' ')}: {plain(inner)}" for key, inner in item.items())
    if item is None or isinstance(item, bool):
        return "none" if item is None else "yes" if item else "no"
    if isinstance(item, int):
        return count(item)
    if isinstance(item, float):
        return f"{item:,.4g}".replace("-", "−")
    if isinstance(item, Sequence) and not isinstance(item, str):
        return ", ".join(plain(inner) for inner in item)
    return str(item)
