"""The forecast: what can be counted is counted right, what is estimated moves the right way."""

import random
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tunewright.plan import read_plan
from tunewright.stats import smallest_detectable_difference
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training.forecast import forecast

ROWS = 200


@pytest.fixture(scope="module")
def frame(tiny_words):
    draw = random.Random(3)
    texts = [" ".join(draw.choices(tiny_words, k=draw.randrange(4, 12))) for _ in range(ROWS)]
    texts[1] = texts[0]
    labels = [("yes", "no")[row % 2] for row in range(ROWS)]
    return pl.DataFrame({"text": texts, "size": [row * 7 % 31 for row in range(ROWS)], "label": labels})


def ask(frame, folder, **sections):
    sections["model"] = {"name": str(folder), **sections.get("model", {})}
    plan = read_plan(None, data={"train": "in memory", "target": "label"}, **sections)
    return forecast(prepare(load_rows(plan, frame), plan), plan)


def test_counts_are_those_of_the_data(frame, tiny_model):
    from tokenizers import Tokenizer

    said = ask(frame, tiny_model)
    tokenizer = Tokenizer.from_file(str(tiny_model / "tokenizer.json"))
    lengths = [len(tokenizer.encode(text).ids) for text in frame["text"]]
    assert sum(said["rows"].values()) == ROWS
    assert said["tokens"]["total"] == sum(lengths)
    assert said["tokens"]["mean"] == round(np.mean(lengths), 1)
    assert said["tokens"]["max_length"] >= max(lengths)
    assert said["tokens"]["cut_share"] == 0
    assert said["tokens"]["distinct_texts"] == frame["text"].n_unique()
    assert said["tokens"]["cached"] == 0
    assert said["detectable"]["difference"] == smallest_detectable_difference(said["rows"]["test"], p=0.9)
    assert "80 % power" in said["detectable"]["text"]


def test_weights_are_counted_as_the_method_says(frame, tiny_model):
    from transformers import BertModel

    bert = {name: p.numel() for name, p in BertModel.from_pretrained(tiny_model).named_parameters()}
    # Width 32 and a table of features into two outputs, beside two hidden layers of 256.
    heads = {method: ask(frame, tiny_model, model={"train": method}) for method in ("head", "layers:1", "lora", "full")}
    head = heads["head"]["trainable"]
    layer = sum(size for name, size in bert.items() if ".layer.1." in name)
    tables = sum(size for name, size in bert.items() if name.endswith("_embeddings.weight"))
    pooler = sum(size for name, size in bert.items() if "pooler" in name)
    # Rank 16: A and B of every linear map but the pooler's are 16 by its two sides.
    lora = 2 * 16 * (4 * (32 + 32) + (32 + 64) + (64 + 32))
    assert heads["layers:1"]["trainable"] == head + layer
    assert heads["full"]["trainable"] == head + sum(bert.values()) - tables - pooler
    assert heads["lora"]["trainable"] == head + lora
    assert {said["parameters"] for name, said in heads.items() if name != "lora"} == {head + sum(bert.values())}
    assert heads["lora"]["parameters"] == head + sum(bert.values()) + lora
    assert all(said["train"] == method for method, said in heads.items())
    assert heads["head"]["memory_mb"]["high"] < heads["full"]["memory_mb"]["high"] + 1


def test_a_cut_is_said(frame, tiny_model):
    said = ask(frame, tiny_model, model={"max_length": 8})
    assert said["tokens"]["max_length"] == 8
    assert 0 < said["tokens"]["cut_share"] < 1


def test_ranges_move_with_what_they_depend_on(frame, tiny_model):
    few, many = (ask(frame, tiny_model, training={"epochs": epochs, "early_stopping": 0}) for epochs in (1, 500))
    assert few["minutes"]["high"] < many["minutes"]["low"]
    for said in (few, many):
        assert 0 < said["minutes"]["low"] <= said["minutes"]["high"]
        assert 300 < said["memory_mb"]["low"] < said["memory_mb"]["high"] < 2000


def test_a_mean_of_the_weights_costs_four_bytes_each(frame, tiny_model, monkeypatch):
    from tunewright.stories.training import forecast as module

    measured = module.measure
    monkeypatch.setattr(module, "measure", lambda *asked: replace(measured(*asked), trainable=10**8))
    without, having = (ask(frame, tiny_model, training={"averaging": kind}) for kind in ("none", "epochs"))
    more = [having["memory_mb"][end] - without["memory_mb"][end] for end in ("low", "high")]
    assert more == [pytest.approx(400 / 1.3, abs=2), pytest.approx(1.3 * 400, abs=2)]


def test_a_table_without_text_has_no_tokens(frame, tiny_model):
    said = ask(frame.drop("text").with_columns(other=pl.Series(np.arange(ROWS) % 13 * 1.5)), tiny_model)
    assert said["tokens"] is None
    assert said["train"] == "head"
    assert said["trainable"] == said["parameters"] > 0


def test_the_same_question_gets_the_same_counts_and_changes_nothing(frame, tiny_model):
    import torch

    state = torch.get_rng_state()
    first, second = ask(frame, tiny_model), ask(frame, tiny_model)
    for name in ("rows", "tokens", "parameters", "trainable", "detectable", "notes"):
        assert first[name] == second[name]
    assert torch.equal(torch.get_rng_state(), state)


def test_frozen_layers_that_are_kept_count_once(frame, tiny_model, monkeypatch):
    from tunewright.learning.recipes import choose
    from tunewright.stories.prepare import pose
    from tunewright.stories.training.timing import measure

    model = {"name": str(tiny_model), "train": "layers:1"}
    plan = read_plan(None, data={"train": "in memory", "target": "label"}, model=model)
    problem = pose(prepare(load_rows(plan, frame), plan), plan)
    choices = choose(problem, plan.model, plan.training)
    kept = measure(problem, choices, "float32")
    monkeypatch.setenv("TUNEWRIGHT_PREFIX_GB", "0")
    not_kept = measure(problem, choices, "float32")
    assert (kept.once, not_kept.once) == (0.5, 0.0)
    assert (kept.parameters, kept.trainable) == (not_kept.parameters, not_kept.trainable)
    assert 0 < kept.step[0] < 2 * not_kept.step[1]


def test_the_rung_that_is_tried_is_told(frame, tiny_model):
    said = [ask(frame, tiny_model, model={"train": "auto"}, budget={"minutes": one}) for one in (None, 5)]
    assert [one["train"] for one in said] == ["full", "full"]
    assert [any("layers:1, then full" in note for note in one["notes"]) for one in said] == [False, True]
