"""How far a metric falls: against plain computation, with answers that are known, and nothing chosen by it."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from tunewright.bundle.predictor import Predictor
from tunewright.evaluation.robustness import Measured, Tried, measure_robustness
from tunewright.evaluation.robustness.measuring import sample
from tunewright.evaluation.robustness.telling import told
from tunewright.metrics import difference, in_words
from tunewright.records import Damage, Robustness, Score, from_json, to_json
from tunewright.stories.judging.damaging import damage_given, damage_run
from tunewright.tasks import Classification, Decision


@dataclass(frozen=True)
class Cleared:
    """Every text becomes another, known one."""

    kind: ClassVar[str] = "cleared"
    says: ClassVar[str] = "every text another one"
    text: str

    def change(self, rows):
        yield self.kind, rows.rewritten(lambda *_: self.text)


@pytest.fixture
def tried(learned):
    """A model that looks at the first letter of a text: a is red, everything else green."""
    table = learned("text")[0].table
    task = Classification(labels=("green", "red"), positive="red")
    rng = np.random.default_rng(0)
    reds = rng.random(60) < 0.5
    texts = [f"{'a' if red else 'b'} word number {place}" for place, red in enumerate(reds)]

    def outputs(typed):
        red = np.array([(text or "").startswith("a") for text in typed["message"].to_list()])
        sure = np.linspace(1, 5, len(red))
        return np.stack([np.where(red, -sure, sure), np.where(red, sure, -sure)], axis=1)

    typed = pl.DataFrame({"message": texts})
    return Tried(
        typed=typed, rows=np.arange(100, 160), targets=reds.astype(int), table=table, task=task,
        decision=Decision(), outputs=outputs,
    )  # fmt: skip


def test_the_fall_is_the_paired_difference_and_flips_are_the_surest_first(tried):
    found = measure_robustness(tried, metric="accuracy", part="test", damages=[Cleared("b")]).robustness
    (line,) = found.damages
    reds = tried.targets == 1
    base = tried.outcome(tried.typed)
    after = tried.outcome(tried.typed.with_columns(message=pl.lit("b")))
    assert line.fall == difference("accuracy", base, after).difference
    assert line.fall.value == pytest.approx(reds.mean()) and line.verdict == "falls" and found.score.value == 1.0
    assert (line.changed, line.flipped.n) == (60, 60) and line.flipped.value == pytest.approx(reds.mean())
    sure = tried.sureness(base)
    assert [one.row for one in line.flips] == (100 + np.flatnonzero(reds)[np.argsort(-sure[reds])][:10]).tolist()
    assert {(one.before, one.after) for one in line.flips} == {("red", "green")}
    assert line.flips[0].confidence == pytest.approx(sure[line.flips[0].row - 100])
    assert found.text.startswith("All 60 test rows were damaged in 1 way. The accuracy falls from 1.000 by 0.")
    assert "with cleared" in found.text
    assert from_json(Robustness, to_json(found)) == found


def test_what_changes_no_answer_is_no_evidence_and_what_changes_no_cell_is_said(tried):
    found = measure_robustness(tried, metric="accuracy", part="test").robustness
    by_name = {line.name: line for line in found.damages}
    assert by_name["no punctuation"].verdict == "nothing to change"
    assert by_name["no punctuation"].fall is None and by_name["no punctuation"].flipped is None
    assert by_name["cut in half"].verdict == "no evidence" and by_name["cut in half"].fall.value == 0
    assert by_name["cut in half"].flips == () and by_name["cut in half"].flipped.value == 0
    # The model reads a small a only.
    assert by_name["upper case"].verdict == "falls" and by_name["whitespace"].verdict == "falls"
    assert "No fall is shown with" in found.text and "cut in half" in found.text


def test_many_damages_raise_the_bar(tried):
    @dataclass(frozen=True)
    class Some:
        """The first six red rows become green: just enough for one test, not for many."""

        kind: ClassVar[str] = "some"
        says: ClassVar[str] = "some rows"

        def change(self, rows):
            cells = rows.typed["message"].to_list()
            reds = [place for place, text in enumerate(cells) if text.startswith("a")][:6]
            yield "some", {"message": pl.Series("message", ["b" if p in reds else t for p, t in enumerate(cells)])}

    alone = measure_robustness(tried, metric="accuracy", part="test", damages=[Some()]).robustness.damages[0]
    among = measure_robustness(tried, metric="accuracy", part="test", damages=[Some(), Some(), Some()]).robustness
    assert alone.verdict == "falls" and alone.p_value == pytest.approx(2 / 2**6)
    assert among.damages[0].verdict == "no evidence" and among.damages[0].p_value == pytest.approx(6 / 2**6)
    assert among.damages[0].fall == alone.fall


def test_too_few_rows_and_an_undefined_metric(tried):
    assert measure_robustness(tried.take(np.arange(19)), metric="accuracy", part="test") is None
    one_class = tried.take(np.flatnonzero(tried.targets == 1)[:25])
    found = measure_robustness(one_class, metric="roc_auc", part="test", damages=[Cleared("b")]).robustness
    assert found.damages[0].verdict == "not defined" and found.damages[0].fall is None
    assert found.damages[0].flipped.value == 1.0


def test_the_sample_is_bounded_and_always_the_same():
    rows = pl.DataFrame({"text": ["word " * 4] * 1000})
    chosen = sample(rows, ["text"], seed=3)
    assert len(chosen) == 200 and (np.diff(chosen) > 0).all()
    assert np.array_equal(chosen, sample(rows, ["text"], seed=3))
    assert not np.array_equal(chosen, sample(rows, ["text"], seed=4))
    assert len(sample(pl.DataFrame({"text": ["word " * 40] * 1000}), ["text"], seed=3)) == 100
    assert len(sample(rows.head(30), ["text"], seed=3)) == 30


@pytest.mark.parametrize("kind", ["text", "pair", "multilabel", "table", "mixed"])
def test_every_task_of_a_run(learned, kind):
    prepared, judging, fitted = learned(kind)

    class Trained:
        rows = type("Rows", (), {"problem": judging.problem})

    Trained.fitted = fitted
    before = fitted.model.outputs(judging.problem.typed["test"])
    decision = fitted.model.decision
    found = damage_run(prepared, Trained)
    assert isinstance(found, Measured)
    robustness = found.robustness
    assert robustness.rows == robustness.of == len(prepared.split.test) == 40
    names = [line.name for line in robustness.damages]
    assert ("typos" in names) == (kind != "table")
    assert ("amount empty" in names) == (kind in ("table", "mixed"))
    assert all(flip.row in prepared.split.test for line in robustness.damages for flip in line.flips)
    assert from_json(Robustness, to_json(robustness)) == robustness
    # The model is as it was.
    assert np.array_equal(fitted.model.outputs(judging.problem.typed["test"]), before)
    assert fitted.model.decision == decision
    again = damage_run(prepared, Trained)
    assert replace(again.robustness, seconds=0.0) == replace(robustness, seconds=0.0)


def test_damaged_rows_get_the_answers_that_the_bundle_would_give(learned):
    _, judging, fitted = learned("mixed")
    typed = judging.problem.typed["test"]
    predictor = Predictor(fitted.model)
    found = damage_given(fitted.model, typed, np.arange(typed.height))
    line = next(one for one in found.robustness.damages if one.name == "amount empty")
    before = predictor.predict_typed(typed)["prediction"].to_list()
    after = predictor.predict_typed(typed.with_columns(amount=pl.lit(None, pl.Float64)))["prediction"].to_list()
    flipped = [row for row, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    assert line.flipped.value * line.changed == pytest.approx(len(flipped))
    assert {one.row for one in line.flips} <= set(flipped)
    assert all((one.before, one.after) == (before[one.row], after[one.row]) for one in line.flips)
    shown = [text for text in found.texts if text.damage == "message empty"]
    assert shown == []
    assert all(text.text not in typed["message"].to_list() for text in found.texts)


@pytest.mark.parametrize(
    ("metric", "worse", "better"), [("accuracy", "fall", "rise"), ("mean_absolute_error", "rise", "fall")]
)
def test_an_error_rises_where_a_score_falls(metric, worse, better):
    def damage(name, verdict):
        fall = Score(value=2.0, low=1.0, high=3.0, n=60)
        return Damage(name=name, kind="typos", changed=60, fall=fall, p_value=0.01, verdict=verdict)

    def said(*damages):
        none = Robustness(metric=metric, part="test", rows=60, of=60, score=None, damages=damages, text="")
        return told(none).partition(". ")[2]

    falls, rises, level = damage("typos", "falls"), damage("amount empty", "rises"), damage("case", "no evidence")
    assert said(falls, rises, level) == (
        f"The {in_words(metric)} {worse}s by 2.0 (1.0–3.0) with typos. It {better}s with amount empty. "
        f"No {worse} is shown with case."
    )
    assert said(rises) == f"The {in_words(metric)} {better}s with amount empty."
