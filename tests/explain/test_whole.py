"""What a model looks at as a whole: importances by plain computation, words that were planted, expectations."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tunewright.explain.asking import Asker
from tunewright.explain.cases import make_cases
from tunewright.explain.class_words import WordTable, linear_words, word_table, words_per_class
from tunewright.explain.expectations import check_expectations
from tunewright.explain.permutation import importances
from tunewright.explain.whole import Extent, explain_model
from tunewright.metrics import metric
from tunewright.records import Explanation, Importance, Score, from_json, to_json

QUICK = Extent(rows=60, variants=300, checked=6)


def parts(learned, kind, part="validation"):
    _, judging, fitted = learned(kind)
    problem = judging.problem
    return fitted.model, problem.typed[part], problem.targets[part], judging.metric


@pytest.fixture(scope="module")
def marked(learn, make_rows):
    """A model of texts in which half of one class carry a word of their own."""
    frame = make_rows("text", 200)
    rng = np.random.default_rng(5)
    marks = [y == "team 1" and rng.random() < 0.6 for y in frame["y"]]
    texts = [text.replace("gugu", "fifi") for text in frame["message"]]
    texts = [f"gugu {text}" if mark else text for text, mark in zip(texts, marks, strict=True)]
    return learn("text", frame.with_columns(message=pl.Series(texts)))


def test_importance_is_what_the_metric_loses(learned):
    model, typed, targets, name = parts(learned, "mixed")
    found = {one.name: one for one in importances(Asker(model), typed, targets, name, seed=4)}
    assert set(found) == {"message", "amount"}
    base = metric(name).value(model.task.outcome(targets, model.outputs(typed), model.decision))
    for column in ("message", "amount"):
        rng = np.random.default_rng(0)
        plain = []
        for _ in range(20):
            dealt = typed.with_columns(typed[column][rng.permutation(typed.height).tolist()])
            plain.append(metric(name).value(model.task.outcome(targets, model.outputs(dealt), model.decision)))
        drop = found[column].drop
        assert drop.value == pytest.approx(base - np.mean(plain), abs=0.12)
        assert drop.low <= drop.value <= drop.high and drop.n == typed.height
    assert list(found) == sorted(found, key=lambda column: -found[column].drop.value)


def test_a_column_of_noise_has_no_effect_shown(learn, make_rows):
    frame = make_rows("table", 200).with_columns(amount=pl.Series(np.random.default_rng(0).normal(size=200)))
    _, judging, fitted = learn("table", frame)
    typed, targets = judging.problem.typed["validation"], judging.problem.targets["validation"]
    found = {one.name: one.drop for one in importances(Asker(fitted.model), typed, targets, judging.metric)}
    assert found["amount"].low <= 0
    assert found["plan"].low > 0


def test_a_planted_word_is_first_and_told(marked):
    _, judging, fitted = marked
    problem = judging.problem
    found = explain_model(
        fitted.model, problem.typed["validation"], problem.targets["validation"], metric=judging.metric,
        part="validation", expect=("fifi",), extent=QUICK,
    )  # fmt: skip
    assert "gugu" in [one.text for one in found.words["team 1"]][:3]
    assert all("gugu" not in [one.text for one in found.words[label]][:3] for label in ("team 0", "team 2"))
    assert "gugu" in [one.text for one in found.linear_words["team 1"]][:3]
    assert found.expectations[0].name == "fifi" and found.expectations[0].of == "word"
    expected = explain_model(
        fitted.model, problem.typed["validation"], problem.targets["validation"], metric=judging.metric,
        part="validation", expect=("GUGU",), extent=QUICK,
    )  # fmt: skip
    one = expected.expectations[0]
    assert (one.name, one.of, one.verdict) == ("GUGU", "word", "confirmed")


def test_word_effects_are_what_labels_lose(learned):
    model, typed, _, _ = parts(learned, "text")
    cases = make_cases(model, typed.head(8))
    table = word_table(Asker(model), cases)
    assert table.seen == 8
    word = table.words[int(np.argmax(table.rows))]
    holding = [row for row in typed["message"].head(8) if word in row.split()]
    assert len(holding) == table.rows[table.words.index(word)]

    def odds(text):
        logits = model.outputs(pl.DataFrame({"message": [text]}))[0] / model.decision.temperature
        shares = np.exp(logits) / np.exp(logits).sum()
        return np.log(shares / (1 - shares))

    lost = [odds(text) - odds(" ".join(w for w in text.split() if w != word)) for text in holding]
    assert table.total[table.words.index(word)] == pytest.approx(np.sum(lost, axis=0), abs=1e-2)
    mean, low, high = table.interval(table.words.index(word), 0)
    if len(holding) > 1:
        half = 1.96 * np.std([one[0] for one in lost], ddof=1) / len(lost) ** 0.5
        assert (low, high) == pytest.approx((mean - half, mean + half), abs=1e-2)
    once = int(np.argmin(table.rows))
    assert table.rows[once] == 1 and table.interval(once, 0)[1:] == (None, None)


def test_words_stop_where_the_cost_does(learned):
    model, typed, _, _ = parts(learned, "text")
    cases = make_cases(model, typed)
    small = word_table(Asker(model), cases, most=20)
    assert small.rows.sum() <= 20 < word_table(Asker(model), cases).rows.sum()


def test_a_regression_has_words_for_both_ways(learned):
    model, typed, targets, name = parts(learned, "pair")
    found = explain_model(model, typed, targets, metric=name, part="validation", extent=QUICK)
    assert set(found.words) == {"higher", "lower"}
    assert all(one.weight > 0 for one in found.words["higher"]) and all(one.weight < 0 for one in found.words["lower"])
    assert linear_words(model) == {}


def test_linear_words_are_the_largest_coefficients(learned):
    model = learned("text")[2].model
    if model.lexical is None:
        pytest.skip("no words beside this network")
    found = linear_words(model)
    weight = model.lexical.weight[:, : len(model.lexical.vocabulary)]
    for place, label in enumerate(model.task.labels):
        margin = weight[place] - np.delete(weight, place, axis=0).mean(0)
        first = model.lexical.vocabulary[int(margin.argmax())]
        assert found[label][0].text == first
        assert found[label][0].weight == pytest.approx(
            float(margin.max()) * model.lexical_share / model.decision.temperature, rel=1e-4
        )


@pytest.mark.parametrize("kind", ["text", "multilabel", "table", "mixed"])
def test_every_task_can_be_explained_and_kept(learned, kind):
    model, typed, targets, name = parts(learned, kind)
    found = explain_model(model, typed, targets, metric=name, part="validation", extent=QUICK)
    assert from_json(Explanation, to_json(found)) == found
    assert found.columns and found.method in ("occlusion", "integrated_gradients")
    assert bool(found.words) == (kind != "table")
    again = explain_model(model, typed, targets, metric=name, part="validation", extent=QUICK)
    assert (again.columns, again.words, again.expectations) == (found.columns, found.words, found.expectations)


def test_without_examples_no_word_of_a_row_is_written(marked):
    _, judging, fitted = marked
    problem = judging.problem
    found = explain_model(
        fitted.model, problem.typed["validation"], problem.targets["validation"], metric=judging.metric,
        part="validation", examples=False, extent=QUICK,
    )  # fmt: skip
    assert found.words == {} == found.linear_words and found.expectations == ()
    words = {word for text in problem.typed["validation"]["message"] for word in text.split()}
    said = str(to_json(found))
    assert not [word for word in words if f"'{word}'" in said or f" {word} " in said]


def a_table(carried, present, said):
    """Words a, b, c of two labels; all effects are alike in all rows."""
    carried, present = np.array(carried, float), np.array(present, float)
    rows = present.sum(1)
    return WordTable(
        words=("a", "b", "c"), rows=rows.astype(int), total=carried, squares=carried**2 / rows[:, None],
        carried=carried, said=np.array(said, float), present=present, seen=20,
    )  # fmt: skip


def test_a_word_that_alone_carries_a_label_is_told_unless_declared(learned):
    task = learned("table")[2].model.task
    ruling = a_table([[20.0, 0.0], [4.0, 0.0], [0.0, 3.0]], [[8, 0], [3, 1], [0, 4]], [10, 10])
    (found,) = check_expectations((), (), ruling, task)
    assert (found.name, found.verdict) == ("a", "rules undeclared")
    assert "8 of the 10 rows" in found.text and task.labels[0] in found.text and "+2.50" in found.text
    assert [x.verdict for x in check_expectations(("A",), (), ruling, task)] == ["confirmed"]
    rare = a_table([[20.0, 0.0], [4.0, 0.0], [0.0, 3.0]], [[4, 0], [3, 1], [0, 4]], [10, 10])
    rivals = a_table([[20.0, 0.0], [14.0, 0.0], [0.0, 3.0]], [[8, 0], [3, 1], [0, 4]], [10, 10])
    assert check_expectations((), (), rare, task) == check_expectations((), (), rivals, task) == ()


def test_words_are_ranked_by_what_they_carry_and_how_particular_they_are(learned):
    task = learned("table")[2].model.task
    # b carries more of the first label, yet is all over the other one's rows, too.
    table = a_table([[8.0, 0.0], [10.0, 2.0], [1.0, 3.0]], [[5, 0], [5, 15], [1, 5]], [10, 10])
    first, second = task.labels
    found = words_per_class(table, task)
    assert [x.text for x in found[first]] == ["a", "b", "c"]
    assert [x.text for x in found[second]] == ["c", "b"]


def one(name, value, low, high):
    return Importance(name=name, kind="number", drop=Score(value=value, low=low, high=high, n=50))


def test_expectations_of_columns(learned):
    task = learned("table")[2].model.task
    columns = (one("c", 0.3, 0.2, 0.4), one("a", 0.1, 0.05, 0.15), one("b", 0.01, -0.02, 0.04))
    found = check_expectations(("a", "b", "d", "e"), columns, None, task, unread={"d": "every cell is the same"})
    assert [(x.name, x.of, x.verdict) for x in found] == [
        ("a", "column", "confirmed"),
        ("b", "column", "no effect shown"),
        ("d", "column", "not seen"),
        ("e", "word", "not seen"),
        ("c", "column", "rules undeclared"),
    ]
    assert "every cell is the same" in found[2].text
    assert check_expectations((), columns, None, task) == ()
    assert len(check_expectations(("a", "c"), columns, None, task)) == 2


def test_a_dearer_method_is_checked_only_where_the_cheaper_fails(learned, monkeypatch):
    from tunewright.explain import whole

    model, typed, _, _ = parts(learned, "text")
    asker = Asker(model)
    assert [one.method for one in whole.until_one_passes(asker, typed.head(6))] == ["occlusion"]
    real = whole.check_cases

    def fails(asker, typed, *, seed=0, methods):
        (check,) = real(asker, typed, seed=seed, methods=methods)
        return (check if check.method != "occlusion" else replace(check, passed=False),)

    monkeypatch.setattr(whole, "check_cases", fails)
    found = whole.until_one_passes(asker, typed.head(6))
    assert (found[0].method, found[0].passed) == ("occlusion", False)
    assert len(found) == 2 and found[1].method == "integrated_gradients"
