import datetime as dt
import json

import numpy as np
import polars as pl
import pytest

from tunewright.bundle.predictor import Predictor
from tunewright.data import conform, describe
from tunewright.errors import PlanError
from tunewright.evaluation.behaviours import (
    BehaviourResult,
    Direction,
    Invariance,
    Must,
    check_behaviours,
    run_behaviours,
    without_rows,
)
from tunewright.records import from_json, to_json

ROWS = pl.DataFrame(
    {
        "message": [
            f"{'Anna' if i % 3 == 0 else 'Somebody'} wrote a longer message number {i} here" for i in range(60)
        ],
        "channel": ["phone", "mail"] * 30,
        "amount": [str(i * 37 % 101) for i in range(60)],
        "team": ["refund", "spam"] * 30,
        "value": [str(i * 0.5) for i in range(60)],
    }
)


class Model:
    """Says what `chance` says of each raw row; keeps what it was asked."""

    def __init__(self, target, chance):
        self.table = describe(ROWS, target=target)
        self.chance = chance
        self.asked = []

    def predict(self, raw):
        self.asked.append(raw)
        conform(raw, self.table)  # what a bundle does with any rows
        answers = [self.chance(row) for row in raw.to_dicts()]
        if self.table.task == "regression":
            return pl.DataFrame({"prediction": answers, "confidence": [None] * len(answers)})
        p = np.array(answers, dtype=float)
        return pl.DataFrame(
            {
                "prediction": np.where(p >= 0.5, "refund", "spam"),
                "confidence": np.maximum(p, 1 - p),
                "probabilities": pl.DataFrame({"refund": p, "spam": 1 - p}).to_struct(),
            }
        )

    def run(self, *behaviours, rows=ROWS):
        labels = () if self.table.task == "regression" else ("refund", "spam")
        check_behaviours(behaviours, table=self.table, labels=labels, typed=conform(rows, self.table).schema)
        return run_behaviours(
            behaviours, self.predict, rows, table=self.table, cast=lambda raw: conform(raw, self.table)
        )


def by_words(row):
    """Refund, the more so the more often the word stands there; Anna is mistrusted; phone counts a little."""
    text = row["message"] or ""
    logit = 2.0 * text.lower().count("refund") - 1.0 - 3.0 * text.count("Anna") + 0.3 * (row["channel"] == "phone")
    return 1 / (1 + np.exp(-logit))


def test_must_have_answers():
    model = Model("team", by_words)
    passed, failed = model.run(
        Must(name="a", examples=("I want a refund", {"message": "refund, refund", "channel": "mail"}), label="refund"),
        Must(name="b", examples=("Anna wants a refund", "a refund", {"channel": "mail"}), label="refund"),
    )
    assert (passed.verdict, passed.tested, passed.failed, passed.failures) == ("passed", 2, 0, ())
    assert (failed.verdict, failed.tested, failed.failed) == ("failed", 3, 2)
    assert failed.text == "Failed: 1 of 3 cases pass."
    worst, second = failed.failures
    assert worst.before == "message: Anna wants a refund; channel: missing" and worst.after is None
    assert worst.said == '"spam" instead of "refund"' and worst.row is None
    assert second.before == "message: missing; channel: mail"


def test_the_model_is_asked_once_about_everything():
    model = Model("team", by_words)
    model.run(
        Must(name="a", examples=("x",), label="spam"),
        Invariance(name="b", apply_to="amount > 50", set={"channel": "mail"}),
        Direction(name="c", examples=("y",), add="refund", raises="refund"),
    )
    assert len(model.asked) == 1 and model.asked[0].schema == ROWS.schema


def test_a_share_may_be_enough():
    model = Model("team", by_words)
    examples = ("a refund", "refund please", "Anna wants a refund", "the refund")
    enough, short = model.run(
        Must(name="a", examples=examples, label="refund", share=0.75),
        Must(name="b", examples=examples, label="refund", share=0.76),
    )
    assert (enough.verdict, enough.failed, short.verdict) == ("passed", 1, "failed")
    assert enough.text == "Passed: 3 of 4 cases pass, and 75% have to."


def test_swapped_words_must_not_change_the_answer():
    model = Model("team", lambda row: by_words(row) if "refund" in row["message"] else 0.1)
    (found,) = model.run(
        Invariance(
            name="a",
            examples=("Anna wants a refund", "nobody wants a refund", "Peter wants a refund"),
            swaps={"from": "Anna", "to": ("Peter", "Aylin")},
        )
    )
    assert (found.verdict, found.tested, found.failed) == ("failed", 2, 2)  # the examples without her say nothing
    assert {f.after for f in found.failures} == {"Peter wants a refund", "Aylin wants a refund"}
    assert all(f.before == "Anna wants a refund" and f.said == '"spam" became "refund"' for f in found.failures)


def test_rows_are_chosen_by_condition_and_word():
    model = Model("team", lambda row: 0.9 if "Anna" in row["message"] and row["channel"] == "phone" else 0.1)
    swaps = {"from": ["anna"], "to": ["Peter"]}
    phone, mail = model.run(
        Invariance(name="a", apply_to="channel == 'phone'", swaps=swaps),
        Invariance(name="b", apply_to="channel == 'mail'", swaps=swaps),
    )
    expected = [i for i in range(60) if i % 3 == 0 and i % 2 == 0]
    assert (phone.verdict, phone.tested, phone.failed) == ("failed", len(expected), len(expected))
    assert (mail.verdict, mail.tested) == ("passed", 10)
    for failure in phone.failures:
        assert failure.row in expected and failure.before == ROWS["message"][failure.row]
        assert failure.after == failure.before.replace("Anna", "Peter")


def test_cells_that_are_set():
    model = Model("team", lambda row: 0.6 if row["channel"] == "phone" else 0.4)
    (found,) = model.run(Invariance(name="a", apply_to="true", set={"channel": "mail"}))
    assert (found.tested, found.failed) == (30, 30)  # the rows that are mail already are no cases
    assert found.failures[0].before == "phone" and found.failures[0].after == "mail"
    (gone,) = model.run(Invariance(name="a", examples=({"channel": "phone"},), set={"channel": None}))
    assert gone.failures[0].after == "missing"


def test_what_must_rise_or_fall():
    model = Model("team", by_words)
    up, down, little, kept = model.run(
        Direction(name="a", apply_to="channel == 'mail'", add="I want a refund.", raises="refund"),
        Direction(name="b", apply_to="channel == 'mail'", add="I want a refund.", lowers="refund"),
        Direction(name="c", examples=("hello",), set={"channel": "phone"}, raises="refund", by=0.2),
        Direction(name="d", examples=("hello",), set={"channel": "phone"}, lowers="spam", by=0.02),
    )
    assert [r.verdict for r in (up, down, little, kept)] == ["passed", "failed", "failed", "passed"]
    assert (up.tested, down.failed) == (30, 30)
    assert down.failures[0].after.endswith(" here I want a refund.")
    assert (
        little.failures[0].said == 'the probability of "refund" must rise by more than 0.2 and went from 0.269 to 0.332'
    )


def test_the_worst_cases_come_first():
    model = Model("team", lambda row: min(0.99, len(row["message"]) / 100))
    examples = ("x" * 5, "x" * 40, "x" * 20, "x" * 60, "x" * 10)
    (found,) = model.run(Must(name="a", examples=examples, label="refund"))
    assert [len(f.before) for f in found.failures] == [5, 10, 20] and found.failed == 4


def test_a_probability_at_its_end_has_only_to_stay():
    def sure(row):
        return 0.9999 if "refund" in row["message"] else 0.9995 if "hello" in row["message"] else 0.0002

    raised, lowered, lost = Model("team", sure).run(
        Direction(name="a", examples=("a refund",), add="hello", raises="refund"),
        Direction(name="b", examples=("nothing",), add="more", lowers="refund"),
        Direction(name="c", examples=("nothing",), add="more", raises="refund"),
    )
    assert [r.verdict for r in (raised, lowered, lost)] == ["passed", "passed", "failed"]


def test_numbers():
    model = Model("value", lambda row: float(row["amount"] or 0) * 2 + len(row["message"] or "") / 100)
    ranged, outside, steady, shaken, up = model.run(
        Must(name="a", examples=({"amount": "10"},), at_least=19, at_most=21),
        Must(name="b", examples=({"amount": "10"}, {"amount": "50"}), at_most=12),
        Invariance(name="c", apply_to="true", swaps={"from": "Anna", "to": "Annabel"}, tolerance=0.5),
        Invariance(name="d", examples=({"amount": "1"},), set={"amount": "9"}, tolerance=0.5),
        Direction(name="e", apply_to="amount < 50", set={"amount": "60"}, raises="value", by=30),
    )
    assert [r.verdict for r in (ranged, outside, steady, shaken)] == ["passed", "failed", "passed", "failed"]
    assert [f.said for f in outside.failures] == ["100 instead of at most 12", "20 instead of at most 12"]
    assert shaken.failures[0].said == "2 became 18"
    amounts = [float(a) for a in ROWS["amount"] if float(a) < 50]
    assert up.failed == sum((60 - a) * 2 <= 30 for a in amounts) > 0 and up.tested == len(amounts)
    assert up.failures[0].said.startswith("the value must rise by more than 30 and went from ")


def test_several_labels_a_row():
    frame = ROWS.with_columns(team=pl.Series(["a|b", "b", "a|c"] * 20))
    table = describe(frame, target="team", columns={"team": "multilabel"})

    def predict(raw):
        has = raw["message"].str.contains("refund").fill_null(False)
        p = pl.DataFrame({"a": np.where(has, 0.9, 0.2), "ab": [0.8] * raw.height})
        said = [("a|ab" if one else "ab") for one in has]
        return pl.DataFrame({"prediction": said, "confidence": [0.8] * raw.height, "probabilities": p.to_struct()})

    results = run_behaviours(
        (
            Must(name="a", examples=("refund", "hello"), label="a"),
            Direction(name="b", examples=("hello",), add="refund", raises="a"),
            Invariance(name="c", examples=("refund",), swaps={"from": "refund", "to": "money"}),
        ),
        predict,
        frame,
        table=table,
        cast=lambda raw: conform(raw, table),
    )
    assert [(r.verdict, r.failed) for r in results] == [("failed", 1), ("passed", 0), ("failed", 1)]


def test_nothing_to_try_is_not_a_pass():
    model = Model("team", by_words)
    nowhere, unchanged, asked = model.run(
        Invariance(name="a", apply_to="amount > 1000", set={"channel": "mail"}),
        Invariance(name="b", apply_to="contains(message, 'Anna')", swaps={"from": "Zoe", "to": "Eve"}),
        Must(name="c", examples=("x",), label="spam"),
    )
    assert (nowhere.verdict, unchanged.verdict, asked.verdict) == ("not tested", "not tested", "passed")
    assert nowhere.tested == 0 and nowhere.text.startswith("Not tested")
    assert run_behaviours((), model.predict, ROWS, table=model.table, cast=model.predict) == ()


def test_at_most_200_cases_spread_over_the_rows():
    rows = pl.concat([ROWS] * 50)
    model = Model("team", by_words)
    one, four = model.run(
        Invariance(name="a", apply_to="true", set={"channel": "mail"}),
        Invariance(name="b", apply_to="true", swaps={"from": "Anna", "to": ["A", "B", "C", "D"]}),
        rows=rows,
    )
    assert one.tested == four.tested == 200
    assert model.asked[0].height <= 2 * (one.tested + four.tested)
    tried = [int(text.split("number ")[1].split()[0]) for text in model.asked[0]["message"].to_list()]
    assert len(set(tried)) > 15


def test_the_change_is_shown_in_a_long_text():
    model = Model("team", lambda row: 0.9 if "Anna" in row["message"] else 0.1)
    text = "word " * 200 + "Anna called. " + "more " * 200
    (found,) = model.run(Invariance(name="a", examples=(text,), swaps={"from": "Anna", "to": "Eve"}))
    (failure,) = found.failures
    assert "Anna called" in failure.before and "Eve called" in failure.after
    assert len(failure.before) <= 202 and failure.before.startswith("…") and failure.before.endswith("…")


DAYS = [dt.datetime(2024, 1 + i // 30, 1 + i % 28) for i in range(60)]


@pytest.mark.parametrize(
    ("dtype", "values", "cell", "fits"),
    [
        (pl.Float64, [float(i * 7 % 50) for i in range(60)], "3.5", True),
        (pl.Int64, [i * 7 % 50 for i in range(60)], "three", False),
        (pl.Boolean, [True, False] * 30, "true", True),
        (pl.Datetime("us"), DAYS, "2025-01-31", True),
        (pl.Datetime("us"), DAYS, "31 January", False),
        (pl.Categorical, ["x", "y"] * 30, "z", True),
    ],
)
def test_cells_are_written_into_columns_of_any_type(dtype, values, cell, fits):
    rows = ROWS.with_columns(extra=pl.Series(values, strict=False).cast(dtype))
    table = describe(rows, target="team")
    asked = []

    def predict(raw):
        asked.append(raw)
        p = pl.DataFrame({"refund": [0.5] * raw.height, "spam": [0.5] * raw.height})
        return pl.DataFrame({"prediction": ["spam"] * raw.height, "confidence": 0.5, "probabilities": p.to_struct()})

    behaviour = Must(name="a", examples=({"message": "x", "extra": cell},), label="spam")
    if not fits:
        with pytest.raises(PlanError, match=f"Got \"{cell}\" for 'extra'"):
            run_behaviours((behaviour,), predict, rows, table=table, cast=lambda raw: conform(raw, table))
        return
    run_behaviours((behaviour,), predict, rows, table=table, cast=lambda raw: conform(raw, table))
    assert asked[0].schema == rows.schema and asked[0]["extra"][0] is not None and asked[0]["amount"][0] is None


def test_results_survive_json():
    for result in Model("team", by_words).run(
        Must(name="a", examples=("x",), label="refund"), Direction(name="b", examples=("x",), add="y", raises="spam")
    ):
        assert from_json(BehaviourResult, json.loads(json.dumps(to_json(result), allow_nan=False))) == result


def test_a_real_model(learned, make_rows):
    prepared, _, fitted = learned("text")
    predictor, rows = Predictor(fitted.model), make_rows("text")
    own = " ".join(w for row in rows.filter(pl.col("y") == "team 1")["message"].head(20) for w in row.split()[:3])
    behaviours = (
        Direction(name="a", apply_to="words(message) > 4", add=own, raises="team 1", share=0.5),
        Must(name="b", examples=(own,), label="team 1"),
        Invariance(name="c", apply_to="true", set={"message": None}),
    )
    check_behaviours(behaviours, table=prepared.table, labels=fitted.model.task.labels, typed=prepared.typed.schema)
    results = run_behaviours(
        behaviours,
        predictor.predict,
        rows,
        table=prepared.table,
        cast=fitted.model.preprocessor.conform,
    )
    assert results[0].verdict == "passed" and results[0].tested > 30
    assert results[2].verdict == "failed" and results[2].tested == 200


def test_texts_of_rows_are_left_out_where_nobody_wants_them_shown():
    model = Model("team", by_words)
    results = model.run(
        Invariance(name="rows", apply_to="contains(message, 'Anna')", swaps={"from": "Anna", "to": "a refund"}),
        Must(name="examples", examples=("Anna",), label="refund"),
    )
    assert all(one.failures for one in results) and "longer message" in results[0].failures[0].before
    hidden = without_rows(results)
    for failure in hidden[0].failures:
        assert (failure.before, failure.after) == (f"row {failure.row}", None)
    assert hidden[1] == results[1]
    assert [(one.verdict, one.failed, one.text) for one in hidden] == [(o.verdict, o.failed, o.text) for o in results]
