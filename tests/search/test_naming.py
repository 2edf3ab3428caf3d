"""A space as the plan writes it: full and short names, and every mistake at once, each with its path (exit code 2)."""

import pytest

from tunewright.errors import PlanError
from tunewright.plan import Plan, read_plan, with_values
from tunewright.search.naming import full_name, nested, read_space, searchable
from tunewright.search.options import DimensionOptions

KNOWN = searchable(Plan)


def problems(space):
    return {(one.path, one.text) for one in read_space(space, Plan)[1]}


def test_what_may_be_searched_is_what_trains_and_prepares():
    assert {"model.train", "training.learning_rate", "preprocess.numbers", "balance", "augment.kind"} <= set(KNOWN)
    assert not [path for path in KNOWN if path.split(".")[0] in ("data", "splits", "search", "seed", "objective")]


def test_every_searchable_hyperparameter_is_a_scalar_of_the_plan():
    for path in KNOWN:
        given = Plan()
        for step in path.split("."):
            given = getattr(given, step)
        assert isinstance(given, str | int | float), path


@pytest.mark.parametrize("path", KNOWN)
def test_short_names_mean_what_they_end_with(path):
    short = path.split(".")[-1]
    alike = [other for other in KNOWN if other.split(".")[-1] == short]
    assert full_name(path, KNOWN) == path
    assert full_name(short, KNOWN) == (path if len(alike) == 1 else None)


def test_short_and_full_names_make_the_same_space():
    short = {
        "train": ("head", "full"),
        "learning_rate": DimensionOptions(low=1e-5, high=1e-3, log=True, when={"train": ("full",)}),
    }
    full = {
        "model.train": ("head", "full"),
        "training.learning_rate": DimensionOptions(low=1e-5, high=1e-3, log=True, when={"model.train": ("full",)}),
    }
    assert read_space(short, Plan) == read_space(full, Plan)
    assert read_space(short, Plan)[1] == []


def test_a_name_that_two_have_is_refused_with_both(monkeypatch):
    from tunewright.search import naming

    monkeypatch.setattr(naming, "searchable", lambda plan: ("a.x", "b.x"))
    ((path, text),) = problems({"x": (1.0,)})
    assert path == "search.space.x" and "a.x, b.x" in text


@pytest.mark.parametrize(
    ("name", "low", "high", "whole"),
    [
        ("epochs", 2, 6, True),
        ("epochs", 1, 1000, True),
        ("batch_tokens", 256, 8192, True),
        ("learning_rate", 1e-5, 1e-3, False),
        ("dropout", 0.999, 0.9999, False),  # one step beyond the middle would leave what dropout can be
        ("weight_decay", 0, 2, False),
        ("weight_decay", 1, 3, False),
        ("layer_decay", 0.5, 1, False),
        ("ema_decay", 0.5, 0.999, False),
    ],
)
def test_whole_numbers_are_known_by_what_the_plan_takes(name, low, high, whole):
    (dimension,), wrong = read_space({name: DimensionOptions(low=low, high=high)}, Plan)
    assert not wrong and dimension.whole is whole


BAD = {
    "low > high": ({"learning_rate": {"low": 1e-3, "high": 1e-5}}, "search.space.learning_rate", "low <= high"),
    "log of zero": ({"dropout": {"low": 0, "high": 0.5, "log": True}}, "search.space.dropout", "low > 0"),
    "nothing": ({"dropout": {}}, "search.space.dropout", "low and high"),
    "unknown": ({"training.learnig_rate": [1e-4]}, "search.space.training.learnig_rate", "training.learning_rate?"),
    "unknown, short": ({"epoch": [2, 3]}, "search.space.epoch", "Did you mean epochs?"),
    "not searchable": ({"splits.test": [0.1, 0.2]}, "search.space.splits.test", "must be a hyperparameter"),
    "too much": ({"dropout": {"low": 0.5, "high": 1.5}}, "search.space.dropout", "cannot take: it must be"),
    "a fraction": ({"epochs": [1, 2.5]}, "search.space.epochs", "cannot take: it must be"),
    "a wrong word": ({"pooling": ["mean", "median"]}, "search.space.pooling", "median"),
    "a range of words": ({"pooling": {"low": 0, "high": 1}}, "search.space.pooling", "cannot take"),
    "not a dimension": ({"dropout": 0.3}, "search.space.dropout", "must be"),
    "a typo": ({"dropout": {"low": 0.1, "hihg": 0.2}}, "search.space.dropout", "hi"),
    "twice": ({"dropout": [0.1], "training.dropout": [0.2]}, "search.space.training.dropout", "once. Got dropout too"),
    "a circle": (
        {
            "dropout": {"choices": [0, 0.1], "when": {"epochs": [2]}},
            "epochs": {"choices": [2, 3], "when": {"dropout": [0]}},
        },
        "search.space.dropout",
        "must not wait for itself",
    ),
    "never": (
        {"train": ["head", "full"], "epochs": {"low": 2, "high": 4, "when": {"train": ["lora"]}}},
        "search.space.epochs",
        "values that model.train takes: head, full. Got lora",
    ),
    "absent": ({"epochs": {"low": 2, "high": 4, "when": {"train": ["full"]}}}, "search.space.epochs", "model.train"),
    "a layer decay above one": ({"layer_decay": {"low": 0.5, "high": 2}}, "search.space.layer_decay", "cannot take"),
    "an unknown way to unfreeze": ({"unfreeze": ["none", "slow"]}, "search.space.unfreeze", "none or gradual"),
    "a decay of no average": (
        {"averaging": ["none", "ema"], "ema_decay": {"low": 0.9, "high": 0.99, "when": {"averaging": ["emma"]}}},
        "search.space.ema_decay",
        "Got emma",
    ),
    "hostile": ({"\x1b[31m<b>": [1]}, "search.space", "hyperparameter"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_a_plan_error_with_its_path(what):
    space, at, says = BAD[what]
    with pytest.raises(PlanError) as refused:
        read_plan(None, search={"strategy": "random", "space": space})
    lines = [line for line in str(refused.value).splitlines() if line.strip().startswith(at)]
    assert lines and any(says in line for line in lines), str(refused.value)
    assert refused.value.exit_code == 2
    assert "\x1b" not in str(refused.value)


def test_all_problems_are_listed_at_once():
    together = {
        "learning_rate": {"low": 1e-3, "high": 1e-5},
        "dropout": {"low": 0, "high": 0.5, "log": True},
        "epoch": [2],
        "pooling": ["median"],
        "head": {"choices": ["mlp"], "when": {"train": ["full"]}},
    }
    with pytest.raises(PlanError) as refused:
        read_plan(None, search={"space": together, "trials": 0}, seed="x")
    said = str(refused.value)
    assert all(f"search.space.{name}:" in said for name in together)
    assert "search.trials:" in said and "seed:" in said
    assert len(said.splitlines()) == 8


def test_a_space_of_the_plan_file_reads_back():
    text = """
    search:
      strategy: bayesian
      space:
        learning_rate: {low: 2e-5, high: 3e-4, log: true, when: {train: [full]}}
        train: [head, full]
        epochs: {low: 2, high: 5}
        head: [linear, mlp]
    """
    plan = read_plan(text)
    assert read_plan(plan.to_yaml()) == plan
    dimensions = {one.name: one for one in read_space(plan.search.space, Plan)[0]}
    assert dimensions["training.epochs"].whole and not dimensions["training.learning_rate"].whole
    assert dimensions["training.learning_rate"].when == {"model.train": ("full",)}
    assert dimensions["model.head"].choices == ("linear", "mlp")


def test_the_levers_of_training_make_a_space():
    space = {
        "layer_decay": DimensionOptions(low=0.7, high=1.0),
        "unfreeze": ("none", "gradual"),
        "averaging": ("none", "epochs", "ema"),
        "ema_decay": DimensionOptions(low=0.8, high=0.99, when={"averaging": ("ema",)}),
    }
    dimensions, wrong = read_space(space, Plan)
    assert not wrong and {one.name for one in dimensions} == {f"training.{name}" for name in space}
    assert dimensions[3].when == {"training.averaging": ("ema",)}
    plan = with_values(Plan(), {"training.averaging": "ema", "training.ema_decay": 0.9, "training.layer_decay": 0.8})
    assert (plan.training.averaging, plan.training.ema_decay, plan.training.layer_decay) == ("ema", 0.9, 0.8)


def test_values_go_into_the_plan_by_their_paths():
    values = {"training.epochs": 3.0, "model.train": "layers:2", "balance": "none", "preprocess.text.html": "keep"}
    plan = with_values(Plan(seed=9), values)
    assert (plan.training.epochs, plan.model.train, plan.balance, plan.seed) == (3, "layers:2", "none", 9)
    assert plan.preprocess.text.html == "keep"
    assert nested({"a.b.c": 1.5, "a.b.d": "x"}) == {"a": {"b": {"c": 1.5, "d": "x"}}}
