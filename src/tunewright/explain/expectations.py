"""What the expert declared relevant, held to what the model does; and what rules without having been declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np

from tunewright.explain.class_words import WordTable, directions, word_key, words_per_class
from tunewright.records import Expectation, Importance
from tunewright.stats import rounded
from tunewright.tasks import Task

# A word rules a label that it carries in most of the label's rows and by more than all that comes after it.
MOST_ROWS = 0.5
TIMES = 2.0
FEWEST_ROWS = 5
RULES = 0.5  # share of the importance of all columns


def check_expectations(
    expect: Sequence[str],
    columns: Sequence[Importance],
    table: WordTable | None,
    task: Task,
    *,
    unread: Mapping[str, str] | None = None,
) -> tuple[Expectation, ...]:
    """Hold every declared column and word to the explanation, then look for what rules undeclared.

    Args:
        expect: the plan's `knowledge.expect`.
        columns: measured importances of all columns.
        table: what words do, or None without texts.
        task: the model's.
        unread: columns of the data that the model does not read, with the reason.
    """
    named, unread = {one.name: one for one in columns}, unread or {}
    declared = [
        _column(named[name]) if name in named
        else _unread(name, unread[name]) if name in unread
        else _word(name, table, task)
        for name in expect
    ]  # fmt: skip
    return (*declared, *_ruling_columns(expect, columns), *_ruling_words(expect, table, task))


def _column(one: Importance) -> Expectation:
    said = f"dealing its cells out anew costs {rounded(one.drop, beside=0.0)}"
    if one.drop.low > 0:
        return Expectation(name=one.name, of="column", verdict="confirmed", text=f"The model uses it: {said}.")
    text = f"No effect is shown: {said}. Either it does not matter, or the model has not learned that it does."
    return Expectation(name=one.name, of="column", verdict="no effect shown", text=text)


def _unread(name: str, why: str) -> Expectation:
    text = f"The model does not read this column: {why}. Give it a kind in data.columns if it should."
    return Expectation(name=name, of="column", verdict="not seen", text=text)


def _word(name: str, table: WordTable | None, task: Task) -> Expectation:
    """The label it moves most; the interval allows for having looked at all of them."""
    key = word_key(name)
    if table is None or key not in table.words:
        looked = 0 if table is None else table.seen
        text = f"It is no column, and none of the {looked:,} rows that were looked at holds it as a word."
        return Expectation(name=name, of="word", verdict="not seen", text=text)
    place = table.words.index(key)
    n = int(table.rows[place])
    label = int(np.abs(table.total[place]).argmax())
    width = NormalDist().inv_cdf(1 - 0.025 / table.total.shape[1])
    mean, low, high = table.interval(place, label, width=width)
    called = f" of {task.labels[label]}" if task.labels else ""
    unit = f"the log odds{called}" if task.labels else "the value"
    rows = "1 row" if n == 1 else f"{n:,} rows"
    if low is None or high is None:
        text = f"One row holds it, which shows nothing: there it adds {mean:+.2f} to {unit}."
        return Expectation(name=name, of="word", verdict="no effect shown", text=text)
    moved = f"in {rows} that hold it, it adds {mean:+.2f} ({low:+.2f} to {high:+.2f}) to {unit}"
    if low > 0 or high < 0:
        return Expectation(name=name, of="word", verdict="confirmed", text=f"The model uses it: {moved}.")
    return Expectation(name=name, of="word", verdict="no effect shown", text=f"No effect is shown: {moved}.")


def _ruling_columns(expect: Sequence[str], columns: Sequence[Importance]) -> list[Expectation]:
    """Only where columns were declared, and for a column that alone has more importance than all others."""
    if len(columns) < 2 or not {*expect} & {one.name for one in columns}:
        return []
    total = sum(max(one.drop.value, 0.0) for one in columns)
    return [
        Expectation(
            name=one.name,
            of="column",
            verdict="rules undeclared",
            text=f"Nobody declared it, and the model leans on it more than on all other columns together: dealing its "
            f"cells out anew costs {rounded(one.drop, beside=0.0)}. Does it give the answer away?",
        )
        for one in columns
        if one.name not in expect and one.drop.low > 0 and one.drop.value > RULES * total
    ]


def _ruling_words(expect: Sequence[str], table: WordTable | None, task: Task) -> list[Expectation]:
    """A word that most rows of a label hold and that does more for it there than twice the next."""
    if table is None or not task.labels:
        return []
    found, known = [], {word_key(name) for name in expect}
    effects = words_per_class(table, task)
    for name, label, _ in directions(task):
        first = next(iter(effects[name]), None)
        if first is None or first.text in known:
            continue
        place = table.words.index(first.text)
        rows, said = int(table.present[place, label]), int(table.said[label])
        carried = np.sort(np.maximum(table.carried[:, label], 0.0))[::-1]
        rules = table.carried[place, label] >= carried[0] and (len(carried) < 2 or carried[0] > TIMES * carried[1])
        if rows >= FEWEST_ROWS and rows > MOST_ROWS * said and rules:
            text = (
                f"{rows} of the {said} rows in which {name} is the likeliest hold it, and taking it out costs {name} "
                f"{first.weight:+.2f} of its log odds on average, far more than any other word. Is it a mark that "
                "something left behind, and will new rows have it?"
            )
            found.append(Expectation(name=first.text, of="word", verdict="rules undeclared", text=text))
    return found
