"""Whether test rows (or validation rows) are of another kind than the rows that are learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from tunewright.detectors.contrasts import Contrast, contrasts, strongest
from tunewright.detectors.rows import Ints, Rows
from tunewright.learning.crossfit import out_of_fold
from tunewright.records import Finding, Score
from tunewright.stats import bootstrap_weights, holm

Floats = np.ndarray[Any, np.dtype[np.float64]]
FEWEST, MOST = 30, 5000  # independent rows per part
FOLDS, ROUNDS, PENALTY = 5, 300, 0.3
REFITTED, SURE = 1.3, 4.0  # what refitting adds to the spread; standard errors above 0.5 that are no chance
HASHED = 256  # buckets of words where there are no vectors
TOP = 30  # categories of a column that the classifier sees


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitShift:
    """Report when a classifier tells rows of the test (or validation) part from train rows, or a column differs.

    The classifier two-sample test (Lopez-Paz & Oquab 2017): a ridge fit to which part a row is in, judged on rows that
    were held out, on frozen vectors, numbers by rank and common categories. Beside it each column is tested by itself,
    with Holm's correction. Of rows that repeat each other one counts. At most 5,000 rows per part are compared.

    Args:
        auc: of the classifier, to be reached, four standard errors or more above 0.5, which would be guessing.
        effect: of a column, to be reached (see `Contrast`).
        level: of all column tests together.
    """

    kind: ClassVar[str] = "split_shift"
    auc: float = 0.65
    effect: float = 0.12
    level: float = 0.0003

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look; the test part first."""
        found = (self._compare(rows, "test"), self._compare(rows, "validation"))
        return tuple(finding for finding in found if finding is not None)

    def _compare(self, rows: Rows, part: str) -> Finding | None:
        train, other = _units(rows, rows.split.train), _units(rows, getattr(rows.split, part))
        if min(len(train), len(other)) < FEWEST:
            return None
        names = [c.name for c in rows.table.columns if c.role in ("feature", "target") and c.kind != "ignore"]
        typed = rows.typed.select(names)
        tested = contrasts(typed[train], typed[other], names=("train", part))
        adjusted = holm([one.p_value for one in tested])
        clear = [one for one, p in zip(tested, adjusted, strict=True) if p < self.level and one.effect >= self.effect]
        columns = strongest(clear)
        answer, score = _told_apart(rows, train, other)
        told = score.value >= self.auc and (score.value - 0.5) / (score.high - score.value) >= SURE / 1.96
        if not (told or columns):
            return None
        return self._finding(
            rows, part, columns, score if told else None, _unlike(train, other, answer) if told else ()
        )

    def _finding(
        self, rows: Rows, part: str, columns: list[Contrast], score: Score | None, unlike: tuple[tuple[int, float], ...]
    ) -> Finding:
        by_time = rows.split.how == "by_time"
        parts = [f"The {part} rows are unlike the train rows."]
        if score is not None:
            parts.append(
                f"A classifier tells them apart with AUC {score.value:.3f} ({score.low:.3f} to "
                f"{min(score.high, 1.0):.3f}, {score.n:,} rows; 0.5 would be guessing)."
            )
        if columns:
            listed = "; ".join(f"{one.column!r}: {one.said}" for one in columns[:4])
            parts.append(f"Most different: {listed}{'; and others' if len(columns) > 4 else ''}.")
        parts.append(
            "The split is by time, so this is what time did."
            if by_time
            else "Scores on them are scores on rows of another kind."
        )
        return Finding(
            kind=self.kind,
            severity="info" if by_time else "warning",
            evidence=" ".join(parts),
            columns=tuple(one.column for one in columns) or rows.table.features("text"),
            rows=tuple(row for row, _ in unlike),
            rows_total=len(unlike),
            score=round(score.value if score is not None else columns[0].effect, 4),
            scores=tuple(round(value, 4) for _, value in unlike),
        )


def _units(rows: Rows, part: tuple[int, ...]) -> Ints:
    """One row of each cluster, at most 5,000, ascending."""
    ids = np.sort(np.array(part, np.int64))
    first = np.sort(np.unique(rows.clusters.labels[ids], return_index=True)[1])
    ids = ids[first]
    if len(ids) > MOST:
        ids = np.sort(np.random.default_rng(rows.seed).permutation(ids)[:MOST])
    return ids


def _told_apart(rows: Rows, train: Ints, other: Ints) -> tuple[Floats, Score]:
    """Out-of-fold answers (higher: like the other part), and their AUC with a 95 % bootstrap interval.

    The interval is widened by what resampling without refitting does not see.
    """
    ids = np.concatenate([train, other])
    x, y = _features(rows, ids), np.repeat([0.0, 1.0], [len(train), len(other)])
    clusters = np.unique(rows.clusters.labels[ids], return_inverse=True)[1]
    folds = (np.random.default_rng(rows.seed).permutation(clusters.max() + 1) % FOLDS)[clusters]
    answer = out_of_fold(x, y[:, None], folds, penalty=PENALTY)[:, 0]
    order = np.argsort(answer, kind="stable")
    blocks = bootstrap_weights(len(y), strata=y.astype(np.int64), rounds=ROUNDS, seed=rows.seed)
    drawn = np.concatenate([_auc(answer[order], y[order], block[:, order].astype(np.float64)) for block in blocks])
    value = float(_auc(answer[order], y[order], np.ones((1, len(y))))[0])
    by_chance = ((len(y) + 1) / (12 * len(train) * len(other))) ** 0.5
    reach = 1.96 * REFITTED * max(float(drawn.std()), by_chance if value < 0.9 else 1e-6)
    return answer, Score(value=value, low=value - reach, high=value + reach, n=len(y))


def _auc(answer: Floats, y: Floats, weights: Floats) -> Floats:
    """AUC under each row of weights (b, n); answers ascending, ties count half."""
    start = np.searchsorted(answer, answer, side="left")
    stop = np.searchsorted(answer, answer, side="right")
    negative = np.concatenate([np.zeros((len(weights), 1)), np.cumsum(weights * (1 - y), 1)], 1)
    below = (negative[:, start] + negative[:, stop]) / 2
    pairs = (weights * y).sum(1) * (weights * (1 - y)).sum(1)
    return np.asarray((weights * y * below).sum(1) / np.maximum(pairs, 1e-12))


def _features(rows: Rows, ids: Ints) -> Floats:
    """(m, F): frozen vectors of the texts (or hashed words), ranks of numbers, common categories.

    The other columns of `learned.features` would not do: what was fitted on train rows knows them from others.
    """
    blocks = [np.zeros((len(ids), 1))]
    learned = rows.learned() if rows.table.features("text") else None
    if learned is not None and learned.width and np.isin(ids, learned.rows).all():
        place = np.searchsorted(learned.rows, ids)
        blocks.append(np.asarray(learned.features[place][:, : learned.width], np.float64))
    else:
        blocks += [_hashed(rows.typed[name][ids]) for name in rows.table.features("text")]
    if len(blocks) > 1:
        blocks = [np.concatenate(blocks, 1)]
        blocks[0] /= max(float(blocks[0].std(0).sum()) / 10, 1e-12)  # a block of texts weighs like ten columns
    for column in rows.table.columns:
        if column.role == "feature" and column.kind in ("number", "datetime"):
            blocks.append(_ranks(rows.typed[column.name][ids]))
        elif column.role == "feature" and column.kind in ("category", "boolean"):
            blocks.append(_common(rows.typed[column.name][ids]))
    return np.concatenate(blocks, 1)


def _ranks(values: pl.Series) -> Floats:
    """Rank in [-1, 1], its square, and whether there is a value."""
    rank = values.rank().cast(pl.Float64).to_numpy() / max(values.count(), 1) * 2 - 1
    rank = np.nan_to_num(rank)
    return np.stack([rank, rank**2, values.is_null().to_numpy().astype(np.float64)], 1)


def _common(values: pl.Series) -> Floats:
    words = values.cast(pl.String).rename("w")  # "n" may be what the user calls the column
    top = words.value_counts(name="n").sort("n", "w", descending=[True, False], nulls_last=True)
    known = top.filter(pl.col("n") >= max(10, 0.01 * len(values)))["w"].head(TOP).to_list()
    if not known:
        return np.zeros((len(values), 0))
    return np.stack([(words.eq_missing(one)).to_numpy().astype(np.float64) for one in known], 1)


def _hashed(texts: pl.Series) -> Floats:
    """Square roots of word counts in 256 buckets, to unit length."""
    cut = texts.fill_null("").str.to_lowercase().str.extract_all(r"[\p{L}\p{N}']+").rename("w").to_frame()
    words = cut.with_row_index("row").explode("w").drop_nulls()
    bucket = (words["w"].hash(0) % HASHED).to_numpy().astype(np.int64)
    counts = np.bincount(words["row"].to_numpy().astype(np.int64) * HASHED + bucket, minlength=len(texts) * HASHED)
    roots = np.sqrt(counts.reshape(len(texts), HASHED).astype(np.float64))
    return np.asarray(roots / np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-12))


def _unlike(train: Ints, other: Ints, answer: Floats) -> tuple[tuple[int, float], ...]:
    """Rows of the other part that are less like train than 95 % of the train rows are, worst first."""
    bound = float(np.quantile(answer[: len(train)], 0.95))
    beyond = [(int(row), float(value)) for row, value in zip(other, answer[len(train) :], strict=True) if value > bound]
    return tuple(sorted(beyond, key=lambda one: (-one[1], one[0])))
