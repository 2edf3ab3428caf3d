import hashlib
import json
import subprocess
import sys
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.data.options import DataOptions, KnowledgeOptions, WeightOptions
from tunewright.errors import PlanError
from tunewright.features.options import PreprocessOptions, TextOptions
from tunewright.models.options import ModelOptions
from tunewright.objective import Limits, ObjectiveOptions
from tunewright.plan import Plan, ReportOptions, read_plan
from tunewright.splits.options import SplitOptions
from tunewright.training.options import AugmentOptions, TrainingOptions

FULL = """
data:
  train: tickets.csv
  validation: null
  test:
  target: team
  columns: {message: text, amount: number, ticket_id: ignore}
  pair: [question, answer]
objective: {metric: macro_f1, at_least: 0.90, positive: no, limits: {latency_ms: 15, size_mb: 60}}
knowledge: {never_use: [agent_name, no], weights: value_eur}
preprocess: {numbers: quantile, text: {unicode: nfc, html: keep}, missing: impute, target: log}
balance: none
augment: {kind: word_swap, strength: 0.2}
splits: {validation: 0.1, test: 0.2, group: customer_id, time: created_at, part: ~}
model: {name: minilm, train: layers:2, max_length: 128, pooling: cls, head: mlp}
training: {epochs: 3, batch_tokens: 8192, learning_rate: 2e-4, weight_decay: 0, dropout: 0.1, head_dropout: 0,
           label_smoothing: 0.1, early_stopping: 0, layer_decay: 0.9, unfreeze: gradual, averaging: ema,
           ema_decay: 0.95}
report: {examples: off}
seed: 42
"""


def problems(*args, **values):
    with pytest.raises(PlanError) as caught:
        read_plan(*args, **values)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_the_full_form_is_read():
    assert read_plan(FULL) == Plan(
        data=DataOptions(
            train="tickets.csv",
            target="team",
            columns={"message": "text", "amount": "number", "ticket_id": "ignore"},
            pair=("question", "answer"),
        ),
        objective=ObjectiveOptions(
            metric="macro_f1", at_least=0.9, positive="no", limits=Limits(latency_ms=15.0, size_mb=60.0)
        ),
        knowledge=KnowledgeOptions(never_use=("agent_name", "no"), weights=WeightOptions(column="value_eur")),
        preprocess=PreprocessOptions(
            numbers="quantile", text=TextOptions(unicode="nfc", html="keep"), missing="impute", target="log"
        ),
        balance="none",
        augment=AugmentOptions(kind="word_swap", strength=0.2),
        splits=SplitOptions(validation=0.1, test=0.2, group="customer_id", time="created_at"),
        model=ModelOptions(train="layers:2", max_length=128, pooling="cls", head="mlp"),
        training=TrainingOptions(
            epochs=3,
            batch_tokens=8192,
            learning_rate=2e-4,
            weight_decay=0.0,
            dropout=0.1,
            head_dropout=0.0,
            label_smoothing=0.1,
            early_stopping=0,
            layer_decay=0.9,
            unfreeze="gradual",
            averaging="ema",
            ema_decay=0.95,
        ),
        report=ReportOptions(examples=False),
        seed=42,
    )


def test_the_shortest_plan_is_a_file_and_a_target():
    plan = read_plan("data: {train: a.csv, target: y}")
    assert plan == Plan(data=DataOptions(train="a.csv", target="y"))
    assert read_plan(plan.to_yaml()) == plan
    assert read_plan() == read_plan("") == read_plan("# nothing\n") == Plan()


@pytest.mark.parametrize("plan", [Plan(), read_plan(FULL)])
def test_defaults_and_the_full_form_survive_writing(plan):
    text = plan.to_yaml()
    again = read_plan(text)
    assert again == plan and again.to_yaml() == text and again.digest() == plan.digest()
    assert len(text.splitlines()) <= 100


def test_every_default_keeps_its_own_rules():
    def check(record):
        for f in fields(record):
            value = getattr(record, f.name)
            if is_dataclass(value):
                check(value)
            elif "check" in f.metadata:
                assert f.metadata["check"].holds(value), f.name

    check(Plan())


TEXTS = st.sampled_from(["", "no", "null", "1e3", " x", "é", "a: b"]) | st.text(max_size=10)


@given(
    train=st.none() | TEXTS,
    columns=st.dictionaries(TEXTS, st.sampled_from(["text", "number", "id"]), max_size=3),
    never=st.lists(TEXTS, max_size=3).map(tuple),
    positive=st.none() | TEXTS,
    rate=st.just("auto") | st.floats(1e-30, 1e30),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_valid_plan_survives_writing(train, columns, never, positive, rate, seed):
    plan = Plan(
        data=DataOptions(train=train, columns=columns),
        knowledge=KnowledgeOptions(never_use=never),
        objective=ObjectiveOptions(positive=positive),
        training=TrainingOptions(learning_rate=rate),
        seed=seed,
    )
    again = read_plan(plan.to_yaml())
    assert again == plan and again.digest() == plan.digest()


def test_the_digest_is_of_the_meaning():
    base = read_plan("data: {train: a.csv, columns: {b: text, a: id}}\ntraining: {weight_decay: 0}")
    same = read_plan("training: {weight_decay: 0.0}\ndata: {columns: {a: 'id', b: text}, train: 'a.csv'}")
    assert base.digest() == same.digest()
    assert (
        base.digest()
        == Plan(
            data=DataOptions(train="a.csv", columns={"a": "id", "b": "text"}),
            training=TrainingOptions(weight_decay=0),  # a whole number where the field is a float
        ).digest()
    )
    others = [read_plan(seed=1), read_plan(model={"train": "head"}), read_plan(data={"train": "b.csv"}), Plan()]
    assert len({base.digest(), *(plan.digest() for plan in others)}) == 5


def test_the_digest_is_sha256_of_canonical_json():
    plan = read_plan(FULL)
    canon = json.dumps(asdict(plan), sort_keys=True, separators=(",", ":"))
    assert plan.digest() == hashlib.sha256(canon.encode()).hexdigest()


def test_a_plan_that_breaks_its_rules_has_no_digest():
    with pytest.raises(PlanError, match=r"training\.epochs"):
        Plan(training=TrainingOptions(epochs=0)).digest()


def test_all_mistakes_are_listed_at_once(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(
        "training: {early_stopping: four, epohcs: 2}\nsplits: {validation: 0.7}\nkubernetes: {to: x}\n"
        "target: team\nmodel: {train: layers:0}\ndata: {columns: {a: numeric}, train: x, test: x}\nseed: 1\nseed: 2\n"
    )
    with pytest.raises(PlanError) as caught:
        read_plan(path, ["model.max_length=4", "nonsense"], balance="weight")
    head, *lines = str(caught.value).splitlines()
    known, knobs = (", ".join(f.name for f in fields(kind)) for kind in (Plan, TrainingOptions))
    assert head == f"The plan {path} must have no mistakes. Got 12:"
    assert {line.strip() for line in lines} == {
        'training.early_stopping: must be a whole number >= 0. Got "four". Write a number such as 2.',
        f'training.epohcs: must be a known key, one of {knobs}. Got "epohcs". Did you mean epochs?',
        'splits.validation: must be a number >= 0 and < 0.5. Got "0.7". Write a number such as 0.15.',
        f'kubernetes: must be a known key, one of {known}. Got "kubernetes". Remove it.',
        f'target: must be a known key, one of {known}. Got "target". Did you mean data.target or preprocess.target?',
        'model.train: must be head, layers:N, lora, full or auto. Got "layers:0". Write a value such as layers:2.',
        "data.columns.a: must be text, number, category, boolean, datetime, id, multilabel or ignore. "
        'Got "numeric". Did you mean number?',
        "data.test: must be another file than data.train. Got the same. Give it rows of its own.",
        "seed: must be given once. Got it again on line 8. Remove one of them.",
        'model.max_length: must be auto or a whole number >= 8. Got "4". Write a number such as 128. '
        'It came from --set "model.max_length=4".',
        '--set nonsense: must be key.path=value. Got "nonsense". Write --set training.epochs=2.',
    } | {'balance: must be auto, none, weights, resample or logit_adjustment. Got "weight". Did you mean weights?'}


RULES = [
    ("splits: {validation: 0.45, test: 0.45}", "splits"),
    ("splits: {validation: 0}", "splits.validation"),
    ("splits: {test: 0}", "splits.test"),
    ("data: {train: a.csv, test: ./a.csv}", "data.test"),
    ("data: {validation: a.csv, test: a.csv}", "data.test"),
    ("data: {validation: a.csv, test: b.csv}\nsplits: {part: p}", "splits.part"),
    ("data: {target: y}\nsplits: {group: y}", "splits.group"),
    ("splits: {time: t, part: t}", "splits.part"),
    ("data: {target: y}\nknowledge: {weights: y}", "knowledge.weights"),
    ("data: {target: y, columns: {y: ignore}}", "data.columns"),
    ("data: {target: y}\nknowledge: {never_use: [y]}", "knowledge.never_use"),
    ("data: {target: y, pair: [a, y]}", "data.pair"),
    ("data: {pair: [a, a]}", "data.pair"),
    ("data: {pair: [a, b]}\nknowledge: {never_use: [b]}", "data.pair"),
    ("objective: {metric: f1_makro}", "objective.metric"),
    ("objective: {limits: {size_mb: 0}}", "objective.limits.size_mb"),
]


@pytest.mark.parametrize("text, path", RULES)
def test_options_must_agree_with_each_other(text, path):
    assert [line.split(": ")[0] for line in problems(text)] == [path]


ALLOWED = [
    "data: {validation: a.csv}\nsplits: {validation: 0}",
    "data: {test: a.csv}\nsplits: {test: 0}",
    "splits: {validation: 0, test: 0, part: p}",
    "splits: {group: g, time: t}",
    "splits: {part: p, group: g}",
    "data: {test: t.csv}\nsplits: {part: p}",
    "splits: {validation: 0.44, test: 0.45}",
    "knowledge: {never_use: [g]}\nsplits: {group: g}",
    "objective: {metric: Macro-F1}",
    "objective: {metric: AUTO}",
]


@pytest.mark.parametrize("text", ALLOWED)
def test_options_that_agree_are_let_through(text):
    assert isinstance(read_plan(text), Plan)


def test_no_rule_speaks_of_a_place_that_is_wrong_anyway():
    assert len(problems("splits: {validation: x, test: 0.49}\ndata: {target: [y]}\nobjective: {metric: [a]}")) == 3


def test_a_rule_names_the_option_that_broke_it():
    assert problems("", ["splits.test=0"])[0].endswith('It came from --set "splits.test=0".')


def test_later_sources_win():
    text = "training: {epochs: 9, early_stopping: 5}\nseed: 1"
    plan = read_plan(text, ["training.epochs=2", "seed=3"], training={"epochs": 7}, balance="none")
    assert (plan.training.epochs, plan.training.early_stopping, plan.seed, plan.balance) == (2, 5, 3, "none")


def test_python_values_may_be_records():
    plan = read_plan(training=TrainingOptions(epochs=2), data={"train": Path("a.csv"), "columns": {"a": "text"}})
    assert plan == Plan(training=TrainingOptions(epochs=2), data=DataOptions(train="a.csv", columns={"a": "text"}))
    assert problems(training=TrainingOptions(early_stopping=-1)) == [
        "training.early_stopping: must be a whole number >= 0. Got -1. Write a number such as 2."
    ]


def test_an_augmentation_is_a_word_or_a_section():
    short, long = read_plan("augment: word_swap"), read_plan("augment: {kind: word_swap, strength: auto}")
    assert short == long and short.digest() == long.digest() == read_plan(augment="word_swap").digest()
    assert short.digest() != read_plan("augment: {kind: word_swap, strength: 0.2}").digest() != Plan().digest()
    assert read_plan(None, ["augment=mixup"]) == read_plan("augment: {kind: mixup}")
    assert read_plan("augment: auto") == Plan() != read_plan("augment: none")


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ({"augment": "word_swpa"}, 'Got "word_swpa". Did you mean word_swap?'),
        ({"augment": {"kind": "mixup", "strenght": 1}}, 'Got "strenght". Did you mean strength?'),
        ({"augment": {"strength": 0.1}}, "augment.strength: must be auto where nothing is augmented. Got 0.1"),
        ({"augment": {"kind": "none", "strength": 1}}, "Got 1 beside augment.kind: none. Name the kind."),
        ({"augment": {"kind": "word_swap", "strength": 1}}, "must be a share, > 0 and < 1. Got 1 for word_swap"),
        ({"augment": {"kind": "mixup", "strength": 0}}, "must be auto or a number > 0. Got 0."),
        ({"augment": "word_swap", "model": {"train": "head"}}, "augment: must be none where only a head trains"),
        ({"augment": "mixup", "model": {"train": "head", "head": "linear"}}, "must be none where a linear head"),
    ],
)
def test_an_augmentation_that_could_not_act_is_refused(sections, says):
    found = problems(**sections)
    assert len(found) == 1 and says in found[0]


@pytest.mark.parametrize(
    ("training", "model", "says"),
    [
        (
            {"unfreeze": "gradualy"},
            {},
            'training.unfreeze: must be none or gradual. Got "gradualy". Did you mean gradual?',
        ),
        ({"averaging": "epoch"}, {}, 'must be none, epochs or ema. Got "epoch". Did you mean epochs?'),
        (
            {"layer_decay": 0},
            {},
            "training.layer_decay: must be a number > 0 and <= 1. Got 0. Write a number such as 1",
        ),
        ({"layer_decay": 1.1}, {}, "training.layer_decay: must be a number > 0 and <= 1. Got 1.1."),
        ({"averaging": "ema", "ema_decay": 1}, {}, "training.ema_decay: must be auto or a number > 0 and < 1. Got 1."),
        ({"ema_decay": 0.9}, {}, "training.ema_decay: must be auto where there is no moving average. Got 0.9 beside"),
        (
            {"averaging": "epochs", "ema_decay": 0.9},
            {},
            "Got 0.9 beside training.averaging: epochs. Write averaging: ema",
        ),
        ({"averaging": "epochs", "epochs": 1}, {}, "training.averaging: must be none where there is one epoch"),
        ({"averaging": "ema"}, {"train": "head", "head": "linear"}, "must be none where a linear head trains alone"),
        ({"averaging": "ema", "parallel": "sharded"}, {}, "must be none where weights are kept in slices"),
        ({"unfreeze": "gradual"}, {"train": "head"}, "training.unfreeze: must be none where only a head trains"),
        ({"unfreeze": "gradual"}, {"train": "layers:1"}, "training.unfreeze: must be none where only one layer trains"),
        ({"unfreeze": "gradual", "epochs": 1}, {"train": "lora"}, "must be none where there is one epoch"),
        ({"layer_decai": 0.9}, {}, 'Got "layer_decai". Did you mean layer_decay?'),
    ],
)
def test_levers_of_training_that_are_wrong_or_could_not_act_are_refused(training, model, says):
    found = problems(training=training, model=model)
    assert len(found) == 1 and says in found[0], found


@pytest.mark.parametrize("train", ["auto", "full", "lora", "layers:2"])
def test_levers_of_training_go_together(train):
    training = {"layer_decay": 0.8, "unfreeze": "gradual", "averaging": "epochs", "epochs": 4}
    plan = read_plan(training=training, model={"train": train})
    assert (plan.training.layer_decay, plan.training.unfreeze, plan.training.averaging) == (0.8, "gradual", "epochs")
    assert read_plan(training={"averaging": "ema"}, model={"train": "head", "head": "mlp"}).training.averaging == "ema"


def test_null_means_none_where_there_is_such_a_word():
    text = "training: {unfreeze: null, averaging: ~}\nbalance:\naugment: {kind: null}"
    plan = read_plan(text)
    assert (plan.training.unfreeze, plan.training.averaging, plan.balance) == ("none", "none", "none")
    assert plan.augment.kind == "none" and plan.digest() == read_plan("{balance: none, augment: none}").digest()
    assert problems("model: {pooling: null}")[0].startswith("model.pooling: must be auto, mean, cls or max. Got null.")


def test_mixup_may_be_stronger_than_a_share():
    assert read_plan(augment={"kind": "mixup", "strength": 2}).augment.strength == 2.0
    assert read_plan(augment="mixup", model={"train": "head"}).augment.kind == "mixup"


@pytest.mark.parametrize(
    "train, fits",
    [
        ("head", 1),
        ("layers:1", 1),
        ("layers:12", 1),
        ("lora", 1),
        ("full", 1),
        ("auto", 1),
        ("layers:", 0),
        ("layers:-1", 0),
        ("layers:x", 0),
        ("Head", 0),
        ("layers:2 ", 0),
    ],
)
def test_what_trains_is_a_small_language(train, fits):
    if fits:
        assert read_plan(model={"train": train}).model.train == train
    else:
        assert len(problems(model={"train": train})) == 1


def test_files(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text("\ufeffdata: {target: Größe}\n", encoding="utf-8")
    assert read_plan(path).data.target == "Größe"
    path.write_bytes(b"data: {target: \xff}")
    with pytest.raises(PlanError, match=r"must be UTF-8\. Got byte 16"):
        read_plan(path)
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(PlanError, match="1,000,000 bytes"):
        read_plan(path)
    for missing in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(PlanError, match="must be a readable plan"):
            read_plan(missing)


def test_a_path_given_as_text_is_explained():
    assert problems("plan.yaml", seed=1) == ['must be sections with keys. Got "plan.yaml". Hand in a file as a Path.']


def test_a_tag_in_a_plan_runs_nothing(tmp_path):
    canary = tmp_path / "canary"
    path = tmp_path / "plan.yaml"
    path.write_text(f"data: !!python/object/apply:os.system ['touch {canary}']\nseed: 1\n")
    with pytest.raises(PlanError, match="must have no YAML tag"):
        read_plan(path)
    with pytest.raises(PlanError, match="must have no YAML tag"):
        read_plan(None, [f"data.train=!!python/object/apply:os.system ['touch {canary}']"])
    assert not canary.exists()


def test_a_broken_file_is_one_problem():
    assert problems("data: [") and len(problems("data: [")) == 1


def test_reading_a_plan_loads_no_heavy_library():
    heavy = {"torch", "transformers", "sklearn", "scipy"}
    code = f"import sys, tunewright.plan as p; p.read_plan('seed: 1'); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_weights_name_their_column_alone_or_as_a_section():
    data = {"target": "team"}
    alone, section = (
        read_plan(data=data, knowledge={"weights": given}) for given in ("value_eur", {"column": "value_eur"})
    )
    assert alone == section and alone.knowledge.weights.column == "value_eur"
    assert read_plan(data=data, knowledge={"weights": None}) == read_plan(data=data)
