"""What a model looks at, as the report shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunewright.metrics import in_words
from tunewright.records import Concept, Explanation, WordEffect
from tunewright.report import charts, words
from tunewright.report.drawing import Figure

COLUMNS = 20  # bars of the chart
CLASSES = 40  # lines of the table that are open
WORDS = 6  # of each class
TAGS = {"confirmed": "met", "no effect shown": "warning", "not seen": "warning", "rules undeclared": "error"}


def figures(found: Explanation) -> dict[str, Figure]:
    """A dot and an interval per column, filled where the interval excludes zero; nothing with a single column."""
    shown = found.columns[:COLUMNS]
    if len(shown) < 2:
        return {}
    chart = charts.intervals({one.name: one.drop for one in shown}, metric=found.metric)
    for trace, one in zip(chart["data"], shown, strict=True):
        used = one.drop.low > 0
        colour = "--accent" if used else "--muted"
        trace["marker"] |= {"color": colour, "symbol": "circle" if used else "circle-open"}
        trace["error_x"]["color"] = colour
    layout = chart["layout"]
    layout["xaxis"]["title"] |= {"text": f"how much worse {in_words(found.metric)} gets"}
    layout["xaxis"] |= {"zeroline": True, "zerolinecolor": "--line"}
    return {"columns": chart}


def view(found: Explanation) -> dict[str, Any]:
    """Words by class beside those of the words model, directions of the texts, and how the expectations are tagged."""
    classes = dict.fromkeys([*found.words, *found.linear_words])
    lines = [(name, _listed(found.words, name), _listed(found.linear_words, name)) for name in classes]
    lines = [line for line in lines if line[1] or line[2]]
    return {
        "classes": lines,
        "folded": len(lines) > CLASSES,
        "beside": bool(found.linear_words),
        "tags": {one.name: TAGS[one.verdict] for one in found.expectations},
        "concepts": [(f"{place}", marks(one), one) for place, one in enumerate(found.concepts, start=1)],
        "texts": any(one.examples for one in found.concepts),
    }


def marks(one: Concept) -> str:
    """Words that mark a direction's end, each with the share of texts there and of all others that hold it.

    >>> from tunewright.records import ConceptWord, Score
    >>> none = Score(value=0.1, low=0.0, high=0.2, n=9)
    >>> word = ConceptWord(text="card", inside=0.62, outside=0.031, rows=31)
    >>> marks(Concept(name="card", share=none, towards=(), against=(), change=none, chance=0.0, p_value=0.01,
    ...               agreement=0.9, words=(word,)))
    'card (62 %, others 3 %)'
    """
    return ", ".join(f"{word.text} ({_share(word.inside)}, others {_share(word.outside)})" for word in one.words)


def _share(share: float) -> str:
    return words.share(round(10_000 * share), 10_000)


def _listed(effects: Mapping[str, tuple[WordEffect, ...]], name: str) -> str:
    return ", ".join(f"{one.text} ({one.weight:+.2f})".replace("-", "−") for one in effects.get(name, ())[:WORDS])
