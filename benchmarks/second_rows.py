"""Second planter: wrong and differently spelled labels, and copies."""

from __future__ import annotations

import re
import zlib

import numpy as np
import polars as pl
from second_form import edited, inserted, numbers, some

from tunewright.planting import Planted


def vectors(frame, about):
    """(n, 600) rows as counts of hashed letter triples, standardised numbers and marks for categories."""
    made = np.zeros((len(frame), 600), np.float32)
    for column in about.texts:
        for row, text in enumerate(frame[column].to_list()):
            lowered = f" {(text or '').lower()} "
            for start in range(len(lowered) - 2):
                made[row, zlib.crc32(lowered[start : start + 3].encode()) % 500] += 1
    made[:, :500] /= np.linalg.norm(made[:, :500], axis=1, keepdims=True) + 1e-9
    for place, column in enumerate(about.numbers[:50]):
        values = numbers(frame, about, column)
        made[:, 500 + place] = np.nan_to_num((values - np.nanmean(values)) / (np.nanstd(values) + 1e-9)).clip(-3, 3)
    for column in about.categories:
        for row, cell in enumerate(frame[column].cast(pl.String).to_list()):
            made[row, 550 + zlib.crc32(f"{column} {cell}".encode()) % 50] += 1
    return made


def flips_nearest_mean(frame, about, rng):
    """Rows take the class, other than their own, whose mean they are nearest to: 8 %."""
    if about.task not in ("binary", "multiclass"):
        return None
    cells = frame[about.target].to_list()
    classes = [re.sub(r"[\W_]+", " ", str(cell).lower()) for cell in cells]
    usual = {classes[row]: cells[row] for row in about.rows[::-1]}
    names, space = sorted(usual), vectors(frame, about)
    means = np.stack([space[[row for row in about.rows if classes[row] == name]].mean(0) for name in names])
    rows = some(about.rows, 0.08, rng)
    away = np.linalg.norm(space[rows][:, None, :] - means[None], axis=2)
    away[np.arange(len(rows)), [names.index(classes[row]) for row in rows]] = np.inf
    return edited(frame, about.target, rows, [usual[names[place]] for place in away.argmin(1)])


def flips_exchanged(frame, about, rng):
    """Pairs of rows exchange their targets, 4 %: class counts stay; of numbers the lowest and highest fifth."""
    cells = frame[about.target].to_list()
    rows = rng.permutation(about.rows)
    if about.task == "regression":
        ranked = about.rows[np.argsort(numbers(frame, about, about.target)[about.rows], kind="stable")]
        fifth = len(ranked) // 5
        pairs = list(zip(rng.permutation(ranked[:fifth]), rng.permutation(ranked[-fifth:]), strict=True))
    else:
        parts = (lambda cell: set(re.split(r"[|;,]", cell))) if about.task == "multilabel" else (lambda cell: {cell})
        pairs = [(a, b) for a, b in zip(rows[::2], rows[1::2], strict=False) if not parts(cells[a]) & parts(cells[b])]
    pairs = pairs[: max(2, int(0.02 * len(about.rows)))]
    changed = {int(a): cells[b] for a, b in pairs} | {int(b): cells[a] for a, b in pairs}
    return edited(frame, about.target, sorted(changed), [changed[row] for row in sorted(changed)])


def label_of_another_system(frame, about, rng):
    """A quarter of one class is spelled as another system would: capitals, other joints, a no-break space."""
    if about.task not in ("binary", "multiclass") or frame.schema[about.target] != pl.String:
        return None
    cells = frame[about.target].to_list()
    counts = frame[about.target][about.rows].value_counts(name="n").filter(pl.col("n") >= 16).sort("n", about.target)
    lettered = [name for name in counts[about.target].to_list() if re.search("[A-Za-z]", name)]
    if not lettered:
        return None
    name = lettered[int(rng.integers(len(lettered)))]
    ways = {name.swapcase(), re.sub(r"[_ ]", "-", name), name.replace("_", "\u00a0"), f"{name}\u200b", f"'{name}'"}
    ways = sorted(ways - set(cells))
    rows = some([row for row in about.rows if cells[row] == name], 0.25, rng)
    return edited(frame, about.target, rows, [ways[int(rng.integers(len(ways)))]] * len(rows))


def alone(frame, about):
    """Rows whose features no other row has; with a text of some length where there are texts."""
    seen = {}
    for row, cells in enumerate(frame.select(about.features).rows()):
        seen.setdefault(cells, []).append(row)
    rows = {rows[0] for rows in seen.values() if len(rows) == 1}
    if about.texts:
        rows = {row for row in rows if len(str(frame[about.texts[0]][row] or "")) >= 15}
    return np.array([row for row in about.rows.tolist() if row in rows], np.int64)


def copies_inserted(frame, about, rng):
    """1 % of the rows stand there a second or third time, anywhere behind the first."""
    sources = some(alone(frame, about), 0.01, rng)
    sources = np.sort(np.concatenate([sources, sources[::3]]))
    return inserted(frame, sources, frame[sources], rng)


def noisy(text, rng):
    """Another case, doubled blanks, other signs at the end: nothing a reader would call another text."""
    changed = [str.upper, str.lower, str.title][int(rng.integers(3))](text)
    if rng.random() < 0.5:
        changed = re.sub(" ", "  ", changed, count=2)
    changed = changed.rstrip(".!? ") + ["", ".", " !", "..."][int(rng.integers(4))]
    return changed if changed != text else text + " ."


def copies_cased(frame, about, rng):
    """3 % of the rows stand there again in another case and punctuation."""
    if not about.texts:
        return None
    sources = some(alone(frame, about), 0.03, rng)
    sources = sources[[len(frame[about.texts[0]][int(row)]) >= 40 for row in sources]]
    texts = [noisy(text, rng) for text in frame[about.texts[0]][sources].to_list()]
    copies = frame[sources].with_columns(pl.Series(about.texts[0], texts))
    return inserted(frame, sources, copies, rng)


def copies_contradicting(frame, about, rng):
    """1 % of the rows stand there again with the target of the row that stands half a table further."""
    sources = some(alone(frame, about), 0.01, rng)
    target = frame[about.target]
    other = np.array(
        [about.rows[(np.searchsorted(about.rows, row) + len(about.rows) // 2) % len(about.rows)] for row in sources]
    )
    if about.task == "regression":
        values = numbers(frame, about, about.target)
        ends = about.rows[np.argsort(values[about.rows], kind="stable")][
            [len(about.rows) // 50, -len(about.rows) // 50]
        ]
        other = np.where(abs(values[sources] - values[ends[0]]) > abs(values[sources] - values[ends[1]]), *ends)
    differ = np.array([target[int(a)] != target[int(b)] for a, b in zip(sources, other, strict=True)], bool)
    sources, other = sources[differ], other[differ]
    if not len(sources):
        return None
    return inserted(frame, sources, frame[sources].with_columns(target[other]), rng, (about.target,))


def overlap_cased(frame, about, rng):
    """8 % of the test rows are train rows, some in another case."""
    if about.parts is None:
        return None
    trained = np.array([row for row in alone(frame, about) if about.parts[row] == "train"])
    tested = some([row for row in about.rows if about.parts[row] == "test"], 0.08, rng)
    if len(trained) < len(tested) or not len(tested):
        return None
    sources = rng.permutation(trained)[: len(tested)]
    rows = frame.to_dicts()
    for row, source in zip(tested.tolist(), sources.tolist(), strict=True):
        rows[row] |= {name: rows[source][name] for name in (*about.features, about.target)}
        if about.texts and rng.random() < 0.3 and len(rows[source][about.texts[0]]) >= 40:
            rows[row][about.texts[0]] = noisy(rows[source][about.texts[0]], rng)
    return Planted(
        frame=pl.DataFrame(rows, schema=frame.schema),
        rows=tuple(tested.tolist()),
        columns=(),
        origin=np.arange(len(frame)),
        beside=tuple(sorted(sources.tolist())),
    )
