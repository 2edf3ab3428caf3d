"""Tokens that are cut are counted right, for texts and pairs, row by row."""

import numpy as np
import polars as pl

from tunewright.learning.cut import cut_of
from tunewright.plan import read_plan
from tunewright.stories.prepare import load_rows, pose, prepare


def posed(frame, folder, **data):
    plan = read_plan(
        data={"target": "y", **data}, model={"name": str(folder), "max_length": 10}, splits={"part": "part"}
    )
    prepared = prepare(load_rows(plan, frame), plan)
    return pose(prepared, plan), prepared


def lengths(folder, texts):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return np.array([len(tokenizer.encode(text).ids) for text in texts])


def test_each_row_against_the_tokenizer(make_rows, tiny_model):
    frame = make_rows("text", 120)
    problem, prepared = posed(frame, tiny_model, columns={"message": "text"})
    cut = cut_of(problem, prepared.split)
    full = lengths(tiny_model, frame["message"])
    assert cut.rows.tolist() == list(range(120))
    assert cut.full.tolist() == full.tolist()
    assert cut.read.tolist() == np.minimum(full, 10).tolist()
    assert (cut.max_length, cut.limit, cut.columns) == (10, 64, ("message",))
    assert (full > 10).any() and (full <= 10).any()
    some = cut.among(np.array([7, 3, 100]))
    assert some.rows.tolist() == [3, 7, 100] and some.full.tolist() == full[[3, 7, 100]].tolist()
    assert some.read.tolist() == np.minimum(some.full, 10).tolist() and some.limit == cut.limit


def test_the_texts_of_a_pair_count_together(make_rows, tiny_model):
    frame = make_rows("pair", 120)
    columns = {"first": "text", "second": "text"}
    problem, prepared = posed(frame, tiny_model, columns=columns, pair=["first", "second"])
    cut = cut_of(problem, prepared.split)
    first, second = (lengths(tiny_model, frame[name]) for name in ("first", "second"))
    assert cut.full.tolist() == (first + second).tolist()
    assert cut.read.tolist() == (np.minimum(first, 10) + np.minimum(second, 10)).tolist()
    assert cut.columns == ("first", "second")


def test_rows_outside_every_part_are_left_out(make_rows, tiny_model):
    frame = make_rows("text", 120).with_row_index("n")
    frame = frame.with_columns(y=pl.when(pl.col("n") % 7 == 3).then(None).otherwise(pl.col("y"))).drop("n")
    problem, prepared = posed(frame, tiny_model, columns={"message": "text"})
    assert cut_of(problem, prepared.split).rows.tolist() == [row for row in range(120) if row % 7 != 3]


def test_without_text_nothing_is_cut(make_rows, tiny_model):
    problem, prepared = posed(make_rows("table", 120), tiny_model)
    assert cut_of(problem, prepared.split) is None
