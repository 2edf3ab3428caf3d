"""Explanations as text: words in colour on a terminal, with their weights elsewhere; nothing of the data can act."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tunewright.cli.text import LONGEST, table
from tunewright.metrics import in_words
from tunewright.report import words

if TYPE_CHECKING:
    from tunewright.records import Concept, ConceptEffect, Explained, Explanation
    from tunewright.stories.judging.explaining import Told

TOP = 8  # words, columns that are listed with their weights
SHOWN = 0.15  # share of the largest weight from which a word is marked
TOWARDS, AGAINST = (46, 125, 50), (198, 40, 40)


def rows_text(told: Told, *, single: bool) -> str:
    """What a person reads of explained rows."""
    parts = []
    for row, one in enumerate(told.rows):
        parts += [] if single else [f"row {row}"]
        parts += [*_answer(one), *_texts(one), *_weights(one), *_neighbours(one)]
        parts += [f"note        {words.visible(note)}" for note in one.notes]
        parts.append("")
    return "\n".join([*parts, *(words.visible(note) for note in told.notes)])


def whole_text(found: Explanation) -> str:
    """What a model looks at: columns, words, directions of the texts, expectations, checks."""
    lines = [f"By {found.rows:,} {found.part} rows. Columns: what {in_words(found.metric)} loses without them.", ""]
    rows: list[tuple[str, ...]] = [("column", "worse by", "95 % interval")]
    rows += [(one.name, words.value(one.drop), words.interval(one.drop)) for one in found.columns]
    lines += [table(rows)] if found.columns else ["No column could be measured."]
    for title, effects in (("words", found.words), ("words model", found.linear_words)):
        if effects:
            listed = [(label, ", ".join(f"{w.text} {w.weight:+.2f}" for w in some)) for label, some in effects.items()]
            lines += ["", table([("towards", title), *listed])]
    lines += _concepts(found)
    lines += [""] if found.expectations else []
    lines += [
        f"{one.verdict}: {one.of} {words.visible(one.name)}. {words.visible(one.text)}" for one in found.expectations
    ]
    lines += ["", *(f"{one.method}: {'passed' if one.passed else 'not shown'}, {one.why}" for one in found.checks)]
    return "\n".join([*lines, "", *found.notes])


def _concepts(found: Explanation) -> list[str]:
    """Directions of the texts, a line for each, under the sentence that says why they, or none, are shown."""
    if found.concept_check is None:
        return []
    lines = ["", words.visible(found.concept_check.why)]
    return [*lines, *(concept_line(place, one) for place, one in enumerate(found.concepts, start=1))]


def concept_line(place: int, one: Concept) -> str:
    """A direction of the texts in a line.

    >>> from tunewright.records import Concept, ConceptEffect, Score
    >>> share, push, change = (Score(value=v, low=v, high=v, n=10) for v in (0.1, 2.5, 0.4))
    >>> pushed = (ConceptEffect(label="lost card", effect=push),)
    >>> concept_line(1, Concept(name="card, pin", share=share, towards=pushed, against=(), change=change, chance=0.02,
    ...                         p_value=0.01, agreement=0.9))
    'direction 1  card, pin: 10 % of rows, towards lost card +2.50; answers move by 0.4, at random by 0.02'
    """
    sides = [f"{word} {_pushed(some)}" for word, some in (("towards", one.towards), ("against", one.against)) if some]
    share = words.share(round(one.share.value * one.share.n), one.share.n)
    moved = f"answers move by {one.change.value:.2g}, at random by {one.chance:.2g}"
    name = f"{one.name}: " if one.name else ""
    said = f"{name}{share} of rows, {', '.join(sides)}; {moved}"
    return f"direction {place}  {words.cut(said, 2 * LONGEST)}"


def _pushed(effects: Sequence[ConceptEffect]) -> str:
    return ", ".join(f"{one.label} {one.effect.value:+.2f}" for one in effects)


def _answer(one: Explained) -> list[str]:
    sure = "" if one.confidence is None else f" ({one.confidence:.1%})"
    said = f"{one.prediction:.6g}" if isinstance(one.prediction, float) else words.visible(one.prediction)
    lines = [f"prediction  {said or '(no label)'}{sure}"]
    if one.method != "none":
        lines.append(
            f"explained   {words.visible(one.unit)}: {one.output:+.2f}, and {one.empty:+.2f} with everything taken out"
        )
    return lines


def _texts(one: Explained) -> list[str]:
    """Texts with their words marked."""
    if not one.tokens:
        return []
    largest = max((abs(token.weight) for token in one.tokens), default=0.0) or 1.0
    lines = []
    for name, text in one.texts.items():
        marks = [
            (token.start, token.end, token.weight / largest, token.weight)
            for token in one.tokens
            if token.column == name
        ]
        lines += [words.visible(name), f"  {marked(text, marks)}"] if text else []
    return ["", *lines]


def marked(text: str, marks: Sequence[tuple[int, int, float, float]], *, colours: bool | None = None) -> str:
    """A text with its weighty words marked: in colour, or with their weights in brackets.

    Args:
        text: as it was weighed.
        marks: (start, end, strength from −1 to 1, weight), in order.
        colours: None asks the terminal.

    >>> marked("late again", [(0, 4, 1.0, 2.5), (5, 10, 0.01, 0.02)], colours=False)
    'late[+2.50] again'
    """
    from rich.text import Text

    painted = on_terminal() if colours is None else colours
    out = io.StringIO()
    console = _console(out, len(text))
    made, at = Text(), 0
    for start, end, strength, weight in marks:
        made.append(words.visible(text[at:start]))
        heavy = abs(strength) >= SHOWN
        word = words.visible(text[start:end])
        made.append(
            word if painted or not heavy else f"{word}[{weight:+.2f}]", _style(strength, console) if heavy else ""
        )
        at = end
    made.append(words.visible(text[at:]))
    if not painted:
        return made.plain
    console.print(made, end="", soft_wrap=True)
    return out.getvalue()


def on_terminal() -> bool:
    """Whether standard output shows colours: a terminal, and nobody asked for none (no-color.org)."""
    out = sys.__stdout__  # sys.stdout leads to standard error while a verb works
    return out is not None and out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _console(out: io.StringIO, signs: int) -> Any:
    """Where text is painted; wide enough that the terminal folds lines itself."""
    from rich.console import Console

    return Console(file=out, force_terminal=True, width=4 * signs + 80, highlight=False)


def _style(strength: float, console: Any) -> str:
    """White letters on green or red, the stronger the brighter; terminals of few colours have one green and one red."""
    if console.color_system not in ("256", "truecolor"):
        return "black on green" if strength > 0 else "white on red"
    full = TOWARDS if strength > 0 else AGAINST
    share = 0.35 + 0.65 * min(abs(strength), 1.0)
    return f"bold white on rgb({','.join(str(round(part * share)) for part in full)})"


def _weights(one: Explained) -> list[str]:
    """The strongest words and columns in a table."""
    if one.method == "none":
        return []
    rows = [("word", token.text, token.weight) for token in sorted(one.tokens, key=lambda t: -abs(t.weight))[:TOP]]
    rows += [("column", column.name, column.weight) for column in one.columns[:TOP]]
    if not rows:
        return []
    listed = [(kind, words.visible(name), f"{weight:+.2f}") for kind, name, weight in rows]
    return ["", table([("what", "", "weight"), *listed])]


def _neighbours(one: Explained) -> list[str]:
    if not one.neighbours:
        return []
    rows = [("train row", "label", "similarity", "", "")]
    rows += [
        (
            str(near.row),
            words.visible(near.label),
            f"{near.similarity:.2f}",
            "agrees" if near.agrees else "disagrees",
            _cells(near.cells),
        )
        for near in one.neighbours
    ]
    return ["", table(rows)]


def _cells(cells: Mapping[str, str]) -> str:
    return words.visible(words.cut(" · ".join(cell for cell in cells.values() if cell), LONGEST // 2))
