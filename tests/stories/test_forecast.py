"""The forecast: what can be counted is counted right, what is estimated moves the right way."""

import random

import numpy as np
import polars as pl
import pytest

from tunewright.plan import read_plan
from tunewright.stats import smallest_detectable_difference
from tunewright.stories.forecast import forecast
from tunewright.stories.prepare import load_rows, prepare

ROWS = 200


@pytest.fixture(scope="module")
def frame(tiny_words):
    draw = random.Random(3)
    texts = [" ".join(draw.choices(tiny_words, k=draw.randrange(4, 12))) for _ in range(ROWS)]
    texts[1] = texts[0]
    labels = [("yes", "no")[row % 2] for row in range(ROWS)]
    return pl.DataFrame({"text": texts, "size": [row * 7 % 31 for row in range(ROWS)], "label": labels})


def ask(frame, model, **sections):
    sections["model"] = {"name": str(model), **sections.get("model", {})}
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


@pytest.mark.parametrize("method", ["head", "layers:1", "lora", "full"])
def test_weights_are_those_of_a_run(frame, tiny_model, method, tmp_path):
    from tunewright.api import run

    sections = {"model": {"name": str(tiny_model), "train": method}, "training": {"epochs": 1}}
    done = run(frame, target="label", out=tmp_path / "run", **sections).summary
    said = ask(frame, tiny_model, **sections)
    assert (said["parameters"], said["trainable"]) == (done["model"]["parameters"], done["model"]["trainable"])
    assert said["tokens"]["cached"] == said["tokens"]["distinct_texts"]  # the run encoded them all


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


def test_a_table_without_text_has_no_tokens(frame, tiny_model):
    said = ask(frame.drop("text").with_columns(other=pl.Series(np.arange(ROWS) % 13 * 1.5)), tiny_model)
    assert said["tokens"] is None
    assert said["train"] == "head"
    assert said["trainable"] == said["parameters"] > 0


def test_the_same_question_gets_the_same_counts_and_changes_nothing(frame, tiny_model):
    import torch

    state = torch.get_rng_state()
    first, second = ask(frame, tiny_model), ask(frame, tiny_model)
    for name in ("rows", "tokens", "parameters", "trainable", "memory_mb", "detectable", "notes"):
        assert first[name] == second[name]
    assert torch.equal(torch.get_rng_state(), state)
