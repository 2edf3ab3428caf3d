"""Draws of old and new rows from the shared sets; in every second one, drift is planted in a tenth of the new rows.

A draw is a choice of rows of one pool. Rows that were changed are rows of the pool like all others: they are appended
to it. What is written for one scenario is read by every arm.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from common import run_ours
from sets import SHARED, clinc150, googleplay, sms_spam, snips
from venvs import PEERS

FOLDER, HOME = PEERS / "drift", PEERS / "home"
LARGEST = 8000  # rows of a pool before any is changed
NEW, SHARE = 500, 0.1
MANY_VALUES = 10  # a column with more distinct numbers may be shifted
HIDDEN = 50  # intents that the old rows do not have
LINKED = 20_000  # half-hours of electricity before the market is linked to Victoria's, with some to spare
WIDE = 40
# Other words for frequent ones of text messages: the same things are meant.
PAIRS = (
    "you:ya u:ya your:ur call:ring now:asap free:gratis txt:dm text:dm send:ping mobile:cell phone:cell "
    "win:bag won:bagged prize:goodie cash:dosh reply:holla claim:grab stop:quit good:dope ok:bet love:luv home:crib "
    "day:dae time:tym know:kno going:headin come:swing want:wanna need:gotta please:pls today:2day new:fresh like:dig "
    "great:lit sorry:soz work:grind friend:mate night:nite week:wk later:l8r think:reckon happy:stoked see:clock "
    "tell:gimme money:dosh service:hookup customer:patron urgent:critical guaranteed:legit"
)
WORDS = dict(pair.split(":") for pair in PAIRS.split())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """Rows as every arm sees them: numbers with NaN where a cell is empty, categories as codes, vectors of texts."""

    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    categories: dict[str, np.ndarray] = field(default_factory=dict)
    vectors: np.ndarray | None = None

    @property
    def rows(self):
        columns = [*self.numbers.values(), *self.categories.values()]
        return len(columns[0] if columns else self.vectors)

    def take(self, places):
        return Pool(
            numbers={name: values[places] for name, values in self.numbers.items()},
            categories={name: codes[places] for name, codes in self.categories.items()},
            vectors=None if self.vectors is None else self.vectors[places],
        )


def joined(pools):
    """The rows of several pools, one after the other."""
    first = pools[0]
    return Pool(
        numbers={name: np.concatenate([one.numbers[name] for one in pools]) for name in first.numbers},
        categories={name: np.concatenate([one.categories[name] for one in pools]) for name in first.categories},
        vectors=None if first.vectors is None else np.concatenate([one.vectors for one in pools]),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """Where draws come from.

    Args:
        pool: all rows there are.
        plain: places of rows that stand for what was there before.
        plant: (places of new rows, pool, generator) to the rows in their stead: places, or rows to append.
        ordered: whether draws are stretches of the pool as it stands, and all new rows of a stretch drift.
    """

    pool: Pool
    plain: np.ndarray
    plant: Callable
    ordered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is drawn and what is planted, in the table's words; `sizes`: how many old rows it is measured against."""

    name: str
    planted: str
    source: Callable[[], Source]
    sizes: tuple[int, ...] = (1000,)


def draws_file(scenario, *, old, draws):
    """An npz file with the pool, and `draws` draws without drift in turns with as many that have it."""
    code = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    path = FOLDER / f"{scenario.name}, {old} old, {draws} draws, {code}.npz"
    if path.exists():
        return path
    made = scenario.source()
    seed = int.from_bytes(hashlib.sha256(scenario.name.encode()).digest()[:4])
    rng = np.random.default_rng([seed, old])
    grown, held = [made.pool], {"old": [], "new": [], "drifted": []}
    for number in range(2 * draws):
        before, after = chosen(made, old, number // 2, draws, rng)
        if number % 2:
            after = drifting(made, after, grown, rng)
        for name, value in (("old", before), ("new", after), ("drifted", number % 2 == 1)):
            held[name].append(value)
    write(path, joined(grown), {name: np.array(values) for name, values in held.items()})
    return path


def chosen(made, old, number, draws, rng):
    """Places of old and of new rows: at random, or the next ones where rows are ordered."""
    if not made.ordered:
        rows = rng.permutation(made.plain)[: old + NEW]
        return rows[:old], rows[old:]
    # The draw with drift looks at the same stretch as the one without.
    start = round(number * (len(made.plain) - old - NEW) / max(draws - 1, 1))
    rows = made.plain[start : start + old + NEW]
    return rows[:old], rows[old:]


def drifting(made, after, grown, rng):
    """The new rows with some of them replaced; rows that are new to the pool are put at its end."""
    count = NEW if made.ordered else round(NEW * SHARE)
    at = rng.choice(NEW, count, replace=False)
    found = made.plant(after[at], made.pool, rng)
    if isinstance(found, Pool):
        first = sum(one.rows for one in grown)
        grown.append(found)
        found = np.arange(first, first + found.rows)
    after = after.copy()
    after[at] = found
    return after


def write(path, pool, held):
    """One file, complete under its name or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nothing = np.zeros((pool.rows, 0))
    arrays = {
        "vectors": nothing.astype(np.float16) if pool.vectors is None else pool.vectors.astype(np.float16),
        "numbers": np.stack(list(pool.numbers.values()), 1) if pool.numbers else nothing,
        "categories": np.stack(list(pool.categories.values()), 1) if pool.categories else nothing.astype(np.int64),
        "number_names": np.array(list(pool.numbers), "U"),
        "category_names": np.array(list(pool.categories), "U"),
    }
    temporary = path.with_suffix(".tmp.npz")
    np.savez(temporary, **arrays, **held)
    temporary.replace(path)


# What is planted.


def others(places):
    """Other rows of the pool come in."""
    return lambda rows, pool, rng: rng.choice(places, len(rows), replace=False)


def twins(offset):
    """Each row's changed copy, which stands `offset` places behind it."""
    return lambda rows, pool, rng: rows + offset


def one_column(change):
    """A number of the rows, another one in each draw, is changed: (cells, all cells) to cells."""

    def plant(rows, pool, rng):
        names = [name for name, all_cells in pool.numbers.items() if len(np.unique(all_cells)) > MANY_VALUES]
        name, changed = rng.choice(names), pool.take(rows)
        return replace(changed, numbers=changed.numbers | {name: change(changed.numbers[name], pool.numbers[name])})

    return plant


def one_value(rows, pool, rng):
    """A category of the rows, another one in each draw, reads as one value that is not rare, whatever it was."""
    name, changed = rng.choice(list(pool.categories)), pool.take(rows)
    counts = np.bincount(pool.categories[name])
    value = rng.choice(np.flatnonzero(counts >= 0.01 * pool.rows))
    return replace(changed, categories=changed.categories | {name: np.full(len(rows), value)})


SHIFTED = one_column(lambda cells, every: cells + np.nanstd(every))
HIGH = one_column(lambda cells, every: cells + 3 * np.nanstd(every))
FAR = one_column(lambda cells, every: cells + 4 * np.nanstd(every))
SCALED = one_column(lambda cells, every: cells * 2)
CONSTANT = one_column(lambda cells, every: np.full_like(cells, np.nanmedian(every)))
EMPTIED = one_column(lambda cells, every: np.full_like(cells, np.nan))


# Where rows come from.


def vectors_of(texts):
    """(n, V) float32 frozen vectors by the product's encoder; encoded once per content."""
    token = hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]
    path = FOLDER / f"vectors {token}.npy"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        given = FOLDER / f"texts {token}.json"
        given.write_text(json.dumps(texts), "utf-8")
        run_ours("vectors", {"texts": str(given), "out": str(path)}, home=str(HOME))
        given.unlink()
    return np.load(path)


def sampled(frame, rows=LARGEST):
    """At most so many rows, in a fixed order by chance."""
    return frame.sample(min(rows, frame.height), seed=0, shuffle=True)


def new_intents():
    """150 intents; the rows of 50 of them are what comes in."""
    frame = sampled(clinc150())
    names = np.array(frame["intent"].to_list())
    hidden = np.random.default_rng(7).choice(np.unique(names), HIDDEN, replace=False)
    come = np.isin(names, hidden)
    pool = Pool(vectors=vectors_of(frame["text"].to_list()))
    return Source(pool=pool, plain=np.flatnonzero(~come), plant=others(np.flatnonzero(come)))


def other_requests():
    """Requests to a home assistant; those of another set with other topics come in."""
    mine, theirs = sampled(snips(), LARGEST - 1000), sampled(clinc150(), 1000)
    pool = Pool(vectors=vectors_of([*mine["text"], *theirs["text"]]))
    first = mine.height
    return Source(pool=pool, plain=np.arange(first), plant=others(np.arange(first, pool.rows)))


def other_words():
    """Text messages; in those that come in frequent words are replaced by others."""
    texts = sms_spam()["text"].to_list()
    pool = Pool(vectors=vectors_of([*texts, *map(reworded, texts)]))
    return Source(pool=pool, plain=np.arange(len(texts)), plant=twins(len(texts)))


def reworded(text):
    """With the words of `WORDS` replaced, whatever stands beside them."""
    return " ".join(WORDS.get(word.lower().strip(".,!?"), word) for word in text.split(" "))


def numbers_of(frame, names):
    """Columns as numbers, NaN where a cell is empty."""
    cells = frame.select(pl.col(names).cast(pl.Float64, strict=False).fill_null(float("nan")))
    return {name: cells[name].to_numpy().copy() for name in names}


def categories_of(frame, names):
    """Columns as codes by the order of their values; an empty cell is a value."""
    cells = frame.select(pl.col(names).cast(pl.String).fill_null(""))
    return {name: np.unique(cells[name].to_numpy().astype("U"), return_inverse=True)[1] for name in names}


@cache
def housing():
    frame = sampled(pl.read_csv(SHARED / "california_housing/housing.csv.gz", infer_schema=False))
    names = [name for name in frame.columns if name not in ("median_house_value", "ocean_proximity")]
    return Pool(numbers=numbers_of(frame, names), categories=categories_of(frame, ["ocean_proximity"]))


@cache
def bikes():
    frame = sampled(pl.read_csv(SHARED / "bike_sharing/hour.csv.gz", infer_schema=False))
    numbers = ["temp", "feelingTemp", "humidity", "windspeed"]
    categories = ["season", "year", "month", "hour", "holiday", "weekday", "workingday", "weathersit"]
    return Pool(numbers=numbers_of(frame, numbers), categories=categories_of(frame, categories))


@cache
def power():
    """Electricity in time order, after the market was linked."""
    frame = pl.read_csv(SHARED / "electricity/elec.csv.gz", infer_schema=False)[LINKED:]
    return Pool(numbers=numbers_of(frame, [name for name in frame.columns if name != "class"]))


@cache
def wide():
    """Forty numbers that depend on each other: projections of the vectors of requests."""
    vectors = vectors_of(sampled(clinc150())["text"].to_list())
    onto = np.random.default_rng(3).normal(size=(vectors.shape[1], WIDE))
    return Pool(numbers={f"number {place}": column for place, column in enumerate((vectors @ onto).T)})


@cache
def apps():
    """Names of apps as vectors, their reviews as a number, categories; then names of comic characters."""
    frame = sampled(googleplay())
    names = pl.read_csv(SHARED / "marvel_characters/marvel-wikia-data.csv.gz", infer_schema=False)["name"].head(1000)
    vectors = vectors_of([*frame["App"], *(name.split("(")[0].strip() for name in names)])
    table = Pool(
        numbers=numbers_of(frame, ["Reviews"]),
        categories=categories_of(frame, ["Category", "Installs", "Type", "Content Rating"]),
        vectors=vectors[: frame.height],
    )
    return table, vectors[frame.height :]


def named_otherwise(rows, pool, rng):
    """The rest of the row as it was, the name that of somebody."""
    foreign = apps()[1]
    return replace(pool.take(rows), vectors=foreign[rng.choice(len(foreign), len(rows), replace=False)])


def table(pool, plant, *, ordered=False):
    """A source whose rows are all alike."""
    return lambda: Source(pool=pool(), plain=np.arange(pool().rows), plant=plant, ordered=ordered)


BOTH = (1000, 2000)
ORDERED = "electricity in time order"
SCENARIOS = (
    Scenario(name="clinc150", planted="rows of 50 intents that are new", source=new_intents, sizes=BOTH),
    Scenario(name="snips", planted="rows of clinc150", source=other_requests),
    Scenario(name="sms_spam", planted="other words for frequent ones", source=other_words, sizes=BOTH),
    Scenario(name="housing shifted", planted="a number + 1 sd", source=table(housing, SHIFTED), sizes=BOTH),
    Scenario(name="housing high", planted="a number + 3 sd", source=table(housing, HIGH)),
    Scenario(name="housing scaled", planted="a number × 2", source=table(housing, SCALED)),
    Scenario(name="housing constant", planted="a number at its median", source=table(housing, CONSTANT)),
    Scenario(name="housing emptied", planted="a number empty", source=table(housing, EMPTIED)),
    Scenario(name="housing category", planted="a category at one value", source=table(housing, one_value)),
    Scenario(name="bikes shifted", planted="a number + 1 sd", source=table(bikes, SHIFTED)),
    Scenario(name="bikes high", planted="a number + 3 sd", source=table(bikes, HIGH)),
    Scenario(name="bikes constant", planted="a number at its median", source=table(bikes, CONSTANT)),
    Scenario(name="bikes category", planted="a category at one value", source=table(bikes, one_value), sizes=BOTH),
    Scenario(name="electricity shifted", planted="a number + 1 sd", source=table(power, SHIFTED)),
    Scenario(name="electricity scaled", planted="a number × 2", source=table(power, SCALED)),
    Scenario(name="40 numbers", planted="a number + 4 sd", source=table(wide, FAR)),
    Scenario(name="apps texts", planted="names of somebody else", source=table(lambda: apps()[0], named_otherwise)),
    Scenario(name="apps category", planted="a category at one value", source=table(lambda: apps()[0], one_value)),
    Scenario(
        name=ORDERED,
        planted="a number + 1 sd in all new rows",
        source=table(power, SHIFTED, ordered=True),
        sizes=BOTH,
    ),
)
