"""Marks in a text that a system left there: words that are in most texts of one class and hardly anywhere else.

A topic has such words too ("routing" in questions about routing numbers). What tells a mark from a word of the language
is its company. A word of the language stands beside certain others ("my 401k", "routing number"); a mark stands beside
anything, or always at the same place of the text, or behind the same key ("category: billing").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from tunewright.detectors.foretold import binned, class_errors, explained
from tunewright.detectors.function_words import WORDS
from tunewright.detectors.goals import SMALLEST, Bools, Goal
from tunewright.detectors.rows import Ints, Rows
from tunewright.records import Finding

MOST_WORDS = 40  # candidates that are looked at closely
LONGEST = 300  # words of a text that are read; the first and the last half of it
INSIDE, PURE = 0.6, 0.9  # of the texts of a class that have the mark; of the texts with it that are of the class
PLACED, PLACED_INSIDE, PLACED_PURE = 0.95, 0.85, 0.95  # of its places that are the same one, and the same for those
# Times the repetitions among its neighbours that chance makes at most; on average; on average in few texts.
ALONE, TWICE, ONCE = 1.1, 2.0, 1.5
DRAWS, LOOKED_AT = 300, 200  # of chance; texts
SMALL, SMALL_INSIDE, SMALL_PURE = 30, 0.8, 0.95  # fewer texts must be more of a kind
FORETOLD, VARIANCE = 0.9, 0.99  # of the mistakes, of the variance, that a word at a fixed place spares
GRAMMAR = frozenset[str]().union(*WORDS.values())  # what stands behind these is the language, not a key
MANY = 100  # texts from which on the neighbours of a word that is part of the label's name are trusted
BINS = 100  # that numbers behind a key are sorted into
KEY = 0.5  # of the texts that have a key
STRIPPED = ".,!?()\"';:"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """The words of m texts, lower case: `words` (m lists), and where each is: one row per word in `table`."""

    words: list[list[str]]
    table: pl.DataFrame


def leaking_words(rows: Rows, goal: Goal) -> Iterator[Finding]:
    """Report each text column with marks; one finding per column."""
    for column in rows.table.columns:
        if column.kind == "text" and column.role == "feature":
            cut = _cut(rows.typed[column.name][goal.rows])
            found = _slot(cut, goal, column.name, rows.table.target) or _marks(cut, goal, column.name)
            if found is not None:
                yield found


def _cut(texts: pl.Series) -> Cut:
    halves = pl.concat_list(
        pl.col("w").list.head(LONGEST // 2), pl.col("w").list.slice(LONGEST // 2).list.tail(LONGEST // 2)
    )
    words = texts.fill_null("").str.to_lowercase().str.extract_all(r"\S+").rename("w").to_frame().select(halves)
    listed = words.with_row_index("row").explode("w").with_columns(pl.col("w").str.strip_chars(STRIPPED))
    listed = listed.filter(pl.col("w") != "").select("row", word="w")
    grouped = listed.group_by("row", maintain_order=True).agg("word")
    by_row: list[list[str]] = [[] for _ in range(len(texts))]
    for row, found in grouped.iter_rows():
        by_row[row] = found
    return Cut(words=by_row, table=listed)


def _slot(cut: Cut, goal: Goal, name: str, target: str) -> Finding | None:
    """A place in the text whose word foretells the target: the first, the last, or the one behind a key."""
    for place, values in _slots(cut):
        codes = _codes(pl.Series(values, dtype=pl.String))
        if goal.regression:
            ranks = np.searchsorted(np.sort(goal.numbers), goal.numbers) / len(goal.numbers)
            score = explained(codes, ranks, goal.folds)
            enough, said = score >= VARIANCE, f"explains {score:.1%} of the variance of {target!r}"
        else:
            wrong, without = class_errors(codes, goal.codes, goal.folds)
            score = 1 - wrong / max(without, 1)
            enough, said = (
                score >= FORETOLD and without >= 20,
                f"names {target!r} in {1 - wrong / len(codes):.1%} of rows",
            )
        if enough:
            return Finding(
                kind="leakage_target",
                severity="error",
                evidence=f"{place} in {name!r} alone {said} that were held out. A system seems to have written the "
                "answer into the text; take it out before training.",
                columns=(name,),
                score=round(score, 4),
            )
    return None


def _codes(words: pl.Series) -> Ints:
    """Numbers as bins, anything else as one value each."""
    numbers = words.cast(pl.Float64, strict=False)
    if numbers.n_unique() > BINS and numbers.count() >= 0.9 * max(words.count(), 1):
        return binned(numbers.fill_null(float("nan")).to_numpy(), bins=BINS)
    return words.rank("dense").fill_null(0).cast(pl.Int64).to_numpy()


def _slots(cut: Cut) -> Iterator[tuple[str, list[str | None]]]:
    for place, at in (("The first word", 0), ("The last word", -1)):
        yield place, [words[at] if words else None for words in cut.words]
    for place, start, stop in (("The first two words", 0, 2), ("The last two words", -2, None)):
        yield f"{place}", [" ".join(words[start:stop]) if words else None for words in cut.words]
    counts = cut.table.unique()["word"].value_counts().filter(pl.col("count") >= KEY * len(cut.words)).sort("word")
    for key in (word for word in counts["word"].to_list() if word not in GRAMMAR):
        behind: list[str | None] = []
        for words in cut.words:
            at = words.index(key) + 1 if key in words else len(words)
            behind.append(words[at] if at < len(words) else None)
        yield f"The word behind {key!r}", behind


def _marks(cut: Cut, goal: Goal, name: str) -> Finding | None:
    """Words of one class that are no words of the language."""
    found: list[tuple[str, str, Ints, float, float]] = []
    for word, group, mask in _candidates(cut, goal):
        having = np.array([word in words for words in cut.words])
        texts = [cut.words[row] for row in np.flatnonzero(having & mask).tolist()]
        inside, outside = float(having[mask].mean()), float(having[~mask].mean())
        own = _of_label(word, group)
        loose = _loose(texts, word) and not (own and len(texts) < MANY)
        pure = inside >= PLACED_INSIDE and len(texts) >= PLACED_PURE * having.sum()
        if loose or (pure and not own and _placed(texts, word)):
            found.append((word, group, np.flatnonzero(having & mask), inside, outside))
    if not found:
        return None
    found.sort(key=lambda one: -one[3])
    said = "; ".join(
        f"{word[:40]!r} in {inside:.1%} of the texts of {group} and {outside:.2%} of the others"
        for word, group, _, inside, outside in found[:3]
    )
    places = np.unique(np.concatenate([one[2] for one in found]))
    return Finding(
        kind="leakage_target",
        severity="error",
        evidence=f"Words in {name!r} give the target away and do not belong to its language: {said}"
        f"{'; and more' if len(found) > 3 else ''}. A system seems to have left them; take them out before training.",
        columns=(name,),
        rows=tuple(goal.rows[places].tolist()),
        rows_total=len(places),
        score=round(found[0][3], 4),
    )


def _candidates(cut: Cut, goal: Goal) -> Iterator[tuple[str, str, Bools]]:
    """Words with the group that each fits best, the commonest first."""
    once = cut.table.unique()
    total = once["word"].value_counts(name="all")
    best: dict[str, tuple[float, int, str, Bools]] = {}
    for group, mask in goal.groups():
        size = int(mask.sum())
        inside = once.filter(pl.Series(mask).gather(once["row"]))["word"].value_counts(name="in")
        near = inside.filter(pl.col("in") >= max(INSIDE * size, SMALLEST)).join(total, on="word")
        strict = pl.col("in") < SMALL
        near = near.filter(pl.col("in") >= pl.when(strict).then(SMALL_PURE).otherwise(PURE) * pl.col("all"))
        near = near.filter(~strict | (pl.col("in") >= SMALL_INSIDE * size))
        for word, count, everywhere in near.iter_rows():
            fit = min(int(count) / size / PLACED_INSIDE, int(count) / int(everywhere) / PLACED_PURE)
            if word not in best or fit > best[word][0]:
                best[word] = fit, int(count), group, mask
    for word, (_, _, group, mask) in sorted(best.items(), key=lambda one: (-one[1][1], one[0]))[:MOST_WORDS]:
        yield word, group, mask


def _loose(texts: list[list[str]], word: str) -> bool:
    """Whether a word's neighbours repeat no more often than if it were dropped anywhere into its texts.

    Compared with the highest and the mean of 300 random droppings; words of the language have twice as many or more.
    """
    spaced = texts[:: max(len(texts) // LOOKED_AT, 1)]
    numbers: dict[str, int] = {}
    padded, places = [], []
    for words in spaced:
        at = words.index(word)
        others = ["\0start", *words[:at], *(other for other in words[at + 1 :] if other != word), "\0end"]
        padded.append([numbers.setdefault(other, len(numbers)) for other in others])
        places.append(at)
    flat = np.concatenate([np.array(one) for one in padded])
    gaps = np.array([len(one) - 1 for one in padded])
    first = np.cumsum([0, *(len(one) for one in padded[:-1])])
    rng = np.random.default_rng(0)
    drawn = [_repeats(flat, first + (rng.random(len(gaps)) * gaps).astype(np.int64)) for _ in range(DRAWS)]
    mean = float(np.mean(drawn)) * (TWICE if len(texts) >= SMALL else ONCE)
    return _repeats(flat, first + np.array(places)) <= min(ALONE * max(drawn), mean)


def _repeats(words: Ints, gaps: Ints) -> float:
    """Pairs of gaps with the same word to the left, and with the same to the right."""
    sides = (np.bincount(words[gaps]), np.bincount(words[gaps + 1]))
    return float(sum((side * (side - 1) / 2).sum() for side in sides))


def _placed(texts: list[list[str]], word: str) -> bool:
    """Whether a word stands at the same place, counted from the start or from the end, of nearly all its texts."""
    starts = Counter(words.index(word) for words in texts)
    ends = Counter(len(words) - words.index(word) for words in texts)
    return max(starts.most_common(1)[0][1], ends.most_common(1)[0][1]) >= PLACED * len(texts)


def _of_label(word: str, label: str) -> bool:
    """Whether a word is part of its class's name, as the words of a topic are ("pin" in "pin_change")."""
    plain = re.sub(r"[^\w]|_", "", label.lower())
    return word.isalnum() and (word in plain or word.rstrip("s") in plain)
