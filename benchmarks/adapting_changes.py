"""A vocabulary and a sensor that change: what `watch` says of it, what `adapt` does about it, what that is worth."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from adapting_stations import attempts, looked, ours, said, told, written
from common import pace, report
from drift_draws import WORDS, reworded
from sets import sms_spam, titanic

KNOWN, NEW = 0.55, 0.85  # shares of the rows: up to which the model is made from them, and up to which they are new


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A set, and what happens to its new rows."""

    load: Callable[[], pl.DataFrame]
    target: str
    metric: str
    what: str
    change: Callable[[pl.DataFrame], pl.DataFrame]


def other_words(frame):
    """The same messages in other words."""
    return frame.with_columns(pl.col("text").map_elements(reworded, return_dtype=pl.String))


def in_months(frame):
    """An age of 22 reads as 264."""
    return frame.with_columns((pl.col("Age").cast(pl.Float64, strict=False) * 12).cast(pl.String))


CHANGES = {
    "sms_spam": Change(
        load=lambda: sms_spam().unique("text", maintain_order=True),
        target="label",
        metric="f1_macro",
        what=f"{len(WORDS)} frequent words are others",
        change=other_words,
    ),
    "titanic": Change(
        load=lambda: titanic().drop("PassengerId"),
        target="Survived",
        metric="accuracy",
        what="Age in months",
        change=in_months,
    ),
}


def change_line(name, seed, given, folder):
    """One change: what is said of rows without it and with it, what is done about it, and what that is worth later."""
    one = CHANGES[name]
    frame = one.load().sample(fraction=1.0, shuffle=True, seed=seed).head(given.rows or 10**9)
    known, new = round(KNOWN * frame.height), round(NEW * frame.height)
    fresh, later = frame[known:new], frame[new:]
    files = written(
        folder, known=frame[:known], same=fresh, new=one.change(fresh), before=later, later=one.change(later)
    )
    plan = {"data": {"train": files["known"], "target": one.target}, "objective": {"metric": one.metric}, "seed": seed}
    champion = ours(folder, "train", plan=plan, out=str(folder / "champion"))
    calm, look = (ours(folder, "watch", bundle=champion["bundle"], log=files[rows]) for rows in ("same", "new"))
    tried = attempts(folder, champion["bundle"], files["new"], "adapted")
    before, after = later_scores(one, champion["bundle"], tried[-1]["challenger"], files, folder)
    estimated, actual = (look[kind].get(one.metric) for kind in ("estimated", "actual"))
    line = {
        "set": name,
        "change": one.what,
        "seed": seed,
        "rows": f"{known:,}, {new - known:,}, {frame.height - new:,}",
        "watch, no change": looked(calm),
        "watch, changed": looked(look),
        "estimated without labels": told(estimated),
        "by the labels": told(actual),
        "adapt": said(tried),
        "score": one.metric,
        "later rows unchanged": told(before["scores"]["champion"]),
        "changed, champion": told(after["scores"]["champion"]),
        "changed, challenger": told(after["scores"].get("challenger")),
        "challenger − champion": told(after.get("compared", {}).get("difference"), sign=True),
        "seconds adapt": f"{tried[-1]['wall']:.0f}",
    }
    return line, [champion, calm, look, *tried]


def later_scores(one, champion, challenger, files, folder):
    """What the champion is worth on later rows without the change, and both models with it."""
    before = ours(folder, "score", bundles={"champion": champion}, data=files["before"], metric=one.metric)
    bundles = {"champion": champion} if challenger is None else {"challenger": challenger, "champion": champion}
    pair = {} if challenger is None else {"pair": ["challenger", "champion"]}
    return before, ours(folder, "score", bundles=bundles, data=files["later"], metric=one.metric, **pair)


def changes(given):
    """Set after set and seed after seed; the section is written after each."""
    table, runs = [], []
    notes = [
        f"Rows in a drawn order: the first {KNOWN:.0%} make the model, the next {NEW - KNOWN:.0%} are new, the rest "
        "comes later and is changed as the new ones are: neither model has seen it. `watch` looks at the new rows as "
        "they were, which should not alarm it, and changed; `adapt` gets them changed, with their labels. Where the "
        "labels gate closes, a second attempt has somebody to vouch for them.",
        "Intervals of 95 %; the challenger's scores are those of the last attempt that trained one, whatever became "
        "of it.",
    ]
    for name in given.sets:
        for seed in range(given.seeds):
            with tempfile.TemporaryDirectory() as folder:
                line, said_by = change_line(name, seed, given, Path(folder))
            table, runs = [*table, line], runs + said_by
            report(table, [*notes, pace(runs)], given, "changes")
