"""The nearest rows that agree and disagree, against a plain search."""

import numpy as np
import polars as pl
import pytest

from tunewright.explain.asking import Asker
from tunewright.explain.cases import make_cases
from tunewright.explain.neighbours import EACH, make_pool, nearest


@pytest.mark.parametrize("kind", ["text", "pair", "multilabel", "table", "mixed"])
def test_neighbours_against_a_plain_search(learned, kind):
    _, judging, fitted = learned(kind)
    problem, model = judging.problem, fitted.model
    train, row = problem.typed["train"], problem.typed["test"].head(1)
    asker = Asker(model)
    numbers = [10 * n for n in range(train.height)]
    pool = make_pool(asker, train, numbers, examples=True, where="rows")
    said = train["y"][0]
    prediction = "|".join(said) if kind == "multilabel" else said
    (found,) = nearest(asker, pool, make_cases(model, row), [prediction])
    vectors = [asker.features(model.preprocessor.compose(frame), frame).astype(np.float64) for frame in (train, row)]
    cosine = vectors[0] @ vectors[1][0] / np.linalg.norm(vectors[0], axis=1) / np.linalg.norm(vectors[1][0])
    if kind == "pair":
        same = (train["y"] - said).abs().to_numpy() <= (model.decision.half_width or model.task.scale / 2)
    elif kind == "multilabel":
        same = np.array([set(one) == set(said) for one in train["y"].to_list()])
    else:
        same = (train["y"] == said).to_numpy()
    for agrees in (True, False):
        ours = [one for one in found if one.agrees == agrees]
        wanted = np.sort(cosine[same == agrees])[::-1][:EACH]
        assert [one.similarity for one in ours] == pytest.approx(wanted.tolist(), abs=1e-3)
        for one in ours:
            assert one.row % 10 == 0 and bool(same[one.row // 10]) == agrees
            assert set(one.cells) == {c.name for c in model.preprocessor.table.columns if c.role == "feature"}


def test_large_pools_are_drawn_from_and_unlabelled_rows_left_out(learned, monkeypatch):
    _, judging, fitted = learned("text")
    train = judging.problem.typed["train"].with_columns(
        y=pl.when(pl.arange(pl.len()) % 2 == 0).then("y").otherwise(None)
    )
    monkeypatch.setattr("tunewright.explain.neighbours.MOST", 10)
    pool = make_pool(Asker(fitted.model), train, range(train.height), examples=False, where="train rows")
    assert len(pool.rows) == 10 and all(row % 2 == 0 for row in pool.rows)
    assert "10 of the 60 train rows" in pool.notes[0]
    (found,) = nearest(Asker(fitted.model), pool, make_cases(fitted.model, train.head(1)), ["team 0"])
    assert all(one.cells == {} for one in found)
    nothing = train.with_columns(y=pl.lit(None, pl.String))
    assert make_pool(Asker(fitted.model), nothing, range(train.height), examples=True, where="rows") is None
