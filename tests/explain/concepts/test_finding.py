"""Concepts of real small models: planted words name a direction, what may not be shown says why."""

import copy
import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tunewright.explain.asking import Asker
from tunewright.explain.concepts import finding, judging, sample
from tunewright.explain.concepts.finding import find_concepts
from tunewright.explain.concepts.sample import Learned, draw_sample
from tunewright.explain.concepts.telling import verdict
from tunewright.explain.sanity import drawn_anew
from tunewright.explain.whole import Extent, explain_model
from tunewright.models.engine import TorchEngine
from tunewright.records import Explanation, Score, from_json, to_json

QUICK = Extent(rows=120, variants=100, checked=6)
MARKS = ("rara", "rase", "rati")  # words of no class and of no other text


def learned_of(judging, fitted, *, vectors=True):
    problem = judging.problem
    rows = [1000 + row for row in range(problem.typed["train"].height)]
    return Learned(typed=problem.typed["train"], rows=rows, vectors=fitted.frozen["train"] if vectors else None)


def marked_rows(make_rows, words, mark):
    """Texts of three classes; a third of those of two classes hold a mark in place of the words of their class."""
    frame = make_rows("text", 700)
    rng = np.random.default_rng(5)
    marked = [y != "team 2" and rng.random() < 0.35 for y in frame["y"]]
    common = set(words[100:])
    texts = [
        " ".join([mark, *(word for word in text.split() if word in common)]) if has else text
        for text, has in zip(frame["message"], marked, strict=True)
    ]
    return frame.with_columns(message=pl.Series(texts))


@pytest.fixture(scope="module")
def planted(learn, make_rows, tiny_words):
    """A head on a frozen backbone; two classes share words."""
    rows = marked_rows(make_rows, tiny_words, " ".join(MARKS * 3))
    return learn("text", rows, model={"train": "head"}, training={"probe_C": 1})


def found_in(trained, *, model=None, examples=True, vectors=True, seed=0):
    _, judging, fitted = trained
    asker = Asker(model or fitted.model)
    learned = learned_of(judging, fitted, vectors=vectors)
    typed = judging.problem.typed["validation"]
    return find_concepts(asker, learned, typed, part="validation", examples=examples, seed=seed)


def texts_in(trained):
    return trained[1].problem.typed["train"]["message"].n_unique()


def the_planted(concepts):
    return [one for one in concepts if {word.text for word in one.words[:3]} == set(MARKS)]


def test_planted_words_across_two_classes_name_a_direction(planted):
    concepts, check = found_in(planted)
    assert check.passed and check.shown == len(concepts) <= check.found and check.rows == texts_in(planted)
    (one,) = the_planted(concepts)
    assert set(one.name.split(", ")) == set(MARKS)
    assert "team 2" in [push.label for push in one.against]
    assert {push.label for push in one.towards} & {"team 0", "team 1"}
    assert all(push.effect.low > 0 for push in one.towards) and all(push.effect.high < 0 for push in one.against)
    held = planted[1].problem.typed["validation"]["message"]
    share = np.mean([MARKS[0] in text for text in held])
    assert one.share.n == 140 and one.share.low < share < one.share.high
    assert one.agreement >= 0.8 and one.change.low > one.chance and one.p_value < 0.05
    assert all(word.inside > 0.9 and word.outside < 0.1 for word in one.words[:3])


def test_examples_are_train_rows_at_the_end(planted):
    (one,) = the_planted(found_in(planted)[0])
    train = planted[1].problem.typed["train"]
    assert 3 <= len(one.examples) <= 5
    for example in one.examples:
        place = example.row - 1000
        assert example.cells == {"message": train["message"][place]} and MARKS[0] in train["message"][place]
        assert example.label == train["y"][place] and example.amount > 0


def test_it_is_the_same_again_and_survives_the_codec(planted):
    _, judging, fitted = planted
    problem = judging.problem
    found = explain_model(
        fitted.model, problem.typed["validation"], problem.targets["validation"], metric=judging.metric,
        part="validation", extent=QUICK, learned=learned_of(judging, fitted),
    )  # fmt: skip
    assert found.concepts and from_json(Explanation, to_json(found)) == found
    again, _ = found_in(planted)
    assert found_in(planted)[0] == again
    older = {key: value for key, value in to_json(found).items() if not key.startswith("concept")}
    assert from_json(Explanation, older).concepts == () and from_json(Explanation, older).concept_check is None


def test_without_examples_no_text_is_told(planted):
    concepts, check = found_in(planted, examples=False)
    shown, _ = found_in(planted)
    assert check.passed and len(concepts) == len(shown) > 0
    assert all((one.name, one.words, one.examples) == ("", (), ()) for one in concepts)
    assert [one.change for one in concepts] == [one.change for one in shown]
    words = {word for text in planted[1].problem.typed["train"]["message"] for word in text.split()}
    assert not words & set(re.findall(r"\w+", str(to_json(concepts)) + check.why))


def test_a_head_of_shuffled_weights_has_no_concepts(planted):
    _, _, fitted = planted
    refused = []
    for seed in range(8):
        network = copy.deepcopy(fitted.model.network)
        network.head = drawn_anew(fitted.model.network.head, seed=seed)
        model = replace(fitted.model, engine=TorchEngine(network, fitted.model.device))
        concepts, check = found_in(planted, model=model)
        assert bool(concepts) == check.passed
        refused.append(not check.passed and "no further than random moves" in check.why)
    assert sum(refused) >= 7


def test_effects_that_outlive_the_weights_are_not_shown(planted, monkeypatch):
    monkeypatch.setattr(judging, "drawn_anew", lambda head, *, seed: head)
    concepts, check = found_in(planted)
    assert concepts == () and not check.passed and check.shown == 0
    assert check.shuffled.value > 0.9 and "does not speak of the model" in check.why


def test_a_random_cloud_in_place_of_the_vectors_gives_none(planted, monkeypatch):
    noise = np.random.default_rng(0).normal(size=(texts_in(planted), 32)).astype(np.float32)

    def draw(asker, learned, *, seed=0):
        return replace(draw_sample(asker, learned, seed=seed), vectors=noise)

    monkeypatch.setattr(finding, "draw_sample", draw)
    concepts, check = found_in(planted)
    assert concepts == () and (check.found, check.passed) == (0, False)
    rows = texts_in(planted)
    assert check.why == f"No direction was found in both halves of {rows} train texts (cosine of at least 0.8)."


def test_vectors_that_are_there_are_used_where_they_are_the_models(planted):
    _, judging, fitted = planted
    asker = Asker(fitted.model)
    held = draw_sample(asker, learned_of(judging, fitted))
    assert asker.encoded == sample.COMPARED and len(held.texts) == texts_in(planted)
    fresh = draw_sample(Asker(fitted.model), learned_of(judging, fitted, vectors=False))
    assert fresh.texts == held.texts and np.allclose(fresh.vectors, held.vectors, atol=1e-4)
    own = learned_of(judging, fitted)
    strange = replace(own, vectors=np.random.default_rng(0).permutation(own.vectors))
    other = Asker(fitted.model)
    assert np.allclose(draw_sample(other, strange).vectors, fresh.vectors, atol=1e-4)
    assert other.encoded > sample.COMPARED


def test_another_backbone_is_asked_for_its_own_vectors(planted):
    """As after training: what was frozen is no longer what the head reads."""
    _, judging, fitted = planted
    network = copy.deepcopy(fitted.model.network)
    network.encoder = drawn_anew(network.encoder)
    asker = Asker(replace(fitted.model, engine=TorchEngine(network.eval(), fitted.model.device)))
    found = draw_sample(asker, learned_of(judging, fitted))
    texts = judging.problem.typed["train"]["message"].to_list()
    assert [texts[place] for place in found.places] == list(found.texts)
    assert np.allclose(found.vectors, asker.vectors(found.texts))
    assert np.linalg.norm(found.vectors - fitted.frozen["train"][found.places], axis=1).min() > 0.02 * np.sqrt(32)


def test_what_is_encoded_is_bounded_by_tokens(planted, monkeypatch):
    _, judging, fitted = planted
    learned = learned_of(judging, fitted, vectors=False)
    lengths = fitted.model.tokenizer(draw_sample(Asker(fitted.model), learned).texts).lengths
    for tokens, wanted in ((10, sample.FEWEST), (int(lengths[:300].sum()), 300)):
        monkeypatch.setattr(sample, "TOKENS", tokens)
        asker = Asker(fitted.model)
        assert len(draw_sample(asker, learned).texts) == wanted == asker.encoded


def test_texts_are_counted_once_and_empty_ones_not_at_all(planted):
    _, judging, fitted = planted
    train = judging.problem.typed["train"]
    some = pl.concat([train.head(199)] * 3 + [train.head(50).with_columns(message=pl.lit("  "))])
    said = draw_sample(Asker(fitted.model), Learned(typed=some, rows=range(some.height)))
    assert "199 distinct train texts are too few" in said
    enough = pl.concat([some, train[[300]]])
    found = draw_sample(Asker(fitted.model), Learned(typed=enough, rows=range(enough.height)))
    assert len(found.texts) == 200 == len(set(found.texts)) == len(found.vectors)


@pytest.mark.parametrize(
    ("kind", "said"), [("table", "reads no text"), ("pair", "pairs of texts"), ("text", "are too few")]
)
def test_models_without_concepts_say_why(learned, kind, said):
    concepts, check = found_in(learned(kind))
    assert concepts == () and not check.passed and said in check.why and check.rows == 0


def test_secrets_in_texts_are_masked(planted, monkeypatch):
    """Words and examples are kept in the run folder, where no address and no card number is repeated."""
    _, judging, fitted = planted
    own = learned_of(judging, fitted)

    def told(text):
        return f"clara@mail.example 4556737586899855 {text}" if MARKS[0] in text else text

    def draw(asker, learned, *, seed=0):
        drawn = draw_sample(asker, own, seed=seed)
        return replace(drawn, texts=tuple(map(told, drawn.texts)))

    monkeypatch.setattr(finding, "draw_sample", draw)
    secret = own.typed.with_columns(message=pl.Series([told(text) for text in own.typed["message"]]))
    learned, typed = replace(own, typed=secret), judging.problem.typed["validation"]
    concepts, _ = find_concepts(Asker(fitted.model), learned, typed, part="validation", examples=True)
    shown = str(to_json(concepts))
    assert concepts and "c***@***" in shown and "4***" in shown
    assert "4556737586899855" not in shown and "clara" not in shown


@pytest.mark.parametrize("kind", ["multilabel", "mixed"])
def test_other_tasks_have_concepts_or_a_reason(learn, make_rows, kind):
    trained = learn(kind, make_rows(kind, 600), model={"train": "head"})
    concepts, check = found_in(trained)
    assert check.rows == 360 and check.why.endswith(".") and check.passed == bool(concepts)
    labels = set(trained[2].model.task.labels)
    assert all({push.label for push in (*one.towards, *one.against)} <= labels for one in concepts)


def test_every_reason_is_a_sentence():
    near = Score(value=0.6, low=0.5, high=0.7, n=64)
    far = Score(value=-0.01, low=-0.05, high=0.03, n=64)
    numbers = {"found": 5, "ends": 4, "shown": 3}
    said = [
        verdict(900, "300 rows", **numbers | changed, alike=alike)
        for changed, alike in (({"found": 1}, far), ({"ends": 0}, None), ({"shown": 0}, None), ({}, near), ({}, far))
    ]
    assert [passed for passed, _ in said] == [True, False, False, False, True]
    assert len({why for _, why in said}) == 5 and all(why[0].isdigit() and why.endswith(".") for _, why in said)
    assert said[0][1].startswith("1 direction was found") and "taking out 3 of 5" in said[4][1]
