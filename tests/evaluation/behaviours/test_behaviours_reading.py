import json
import os
from dataclasses import replace

import polars as pl
import pytest

from tunewright.data import conform, describe
from tunewright.errors import PlanError
from tunewright.evaluation.behaviours import (
    Direction,
    Invariance,
    Must,
    behaviours_from_json,
    behaviours_to_json,
    check_behaviours,
    read_behaviours,
)

GOOD = """
- name: refunds are refunds
  kind: must
  examples:
  - Please send my money back.
  - {message: I want a refund, channel: phone, amount: 12.50}
  label: no
- name: a long message costs more
  kind: must
  examples: [one two three]
  at_least: 3
  at_most: 1e2
  share: 0.9
- name: first names do not matter
  kind: invariance
  apply_to: contains(message, 'Anna') and channel == 'phone'
  swaps: {from: [Anna, Peter], to: [Aylin, Mehmet]}
  column: message
- name: the channel does not matter
  kind: invariance
  examples: [hello]
  set: {channel: phone, amount: null}
  tolerance: 2
- name: the word refund points to refunds
  kind: direction
  apply_to: true
  add: I want a refund.
  raises: refund
  by: 0.01
"""


def read(tmp_path, text):
    path = tmp_path / "behaviours.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_behaviours(path)


def refusal(tmp_path, text):
    with pytest.raises(PlanError) as refused:
        read(tmp_path, text)
    return str(refused.value)


def test_the_three_kinds_are_read(tmp_path):
    first, second, names, channel, word = read(tmp_path, GOOD)
    assert first == Must(
        name="refunds are refunds",
        examples=(
            "Please send my money back.",
            {"message": "I want a refund", "channel": "phone", "amount": "12.50"},
        ),
        label="no",
    )
    assert (second.at_least, second.at_most, second.share) == (3.0, 100.0, 0.9)
    assert names.swaps == {"from": ("Anna", "Peter"), "to": ("Aylin", "Mehmet")} and names.column == "message"
    assert channel.set == {"channel": "phone", "amount": None} and channel.tolerance == 2
    assert word == Direction(
        name="the word refund points to refunds", apply_to="true", add="I want a refund.", raises="refund", by=0.01
    )


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path):
    assert len(read(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())) == 5


BROKEN = """
- kind: must
- {name: b, kind: most}
- {name: c, kind: must, examples: [x], label: a, at_least: 1, labl: b, share: 2}
- {name: d, kind: must, examples: [x], at_least: 2, at_most: 1}
- {name: e, kind: invariance, examples: [x], swaps: {from: [a, b, c], to: [d, e]}}
- {name: e, kind: invariance, apply_to: "amount >", set: {channel: phone}}
- just a text
- {name: g, kind: direction, examples: [x], add: " ", raises: a, lowers: a, by: -1}
- {name: h, kind: invariance, examples: [He is here], swaps: {from: she, to: he}}
- {name: i, kind: invariance, swaps: {from: a, to: b}, set: {c: d}}
- {name: j, kind: direction, examples: x, add: y, raises: a}
- {name: k, kind: direction, examples: [x], raises: a}
- {name: l, kind: invariance, examples: [x], swaps: {from: x, into: y}}
"""


def test_all_problems_are_listed_at_once_with_their_place(tmp_path):
    said = refusal(tmp_path, BROKEN)
    assert said.startswith("The behaviours file ")
    lines = said.splitlines()[1:]
    for place, part in (
        ("[0].name", "must be a name. Got none."),
        ("[0].examples", "at least one example"),
        ("[0].label", "Got neither"),
        ("[1].kind", 'must be one of must, invariance, direction. Got "most"'),
        ("[2].labl", "Did you mean label?"),
        ("[2].share", "> 0 and <= 1"),
        ("[3].at_least", "at most at_most, 1. Got 2"),
        ("[4].swaps", "Got 3 and 2"),
        ("[5].name", "Got that of [4]"),
        ("[5].apply_to", 'Got the end at character 9 of "amount >"'),
        ("[6]", 'Got "just a text"'),
        ("[7].by", ">= 0"),
        ("[8].examples", "must have a word of swaps.from"),
        ("[9].swaps", "Got both"),
        ("[9].examples", "or else apply_to"),
        ("[10].examples", "must be a list"),
        ("[11].add", "Got neither"),
        ("[12].swaps", "the keys from and to. Got the keys from, into"),
    ):
        assert any(line.strip().startswith(f"{place}: ") and part in line for line in lines), (place, said)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "must be a list of behaviours. Got nothing"),
        ("[]", "Got nothing"),
        ("tests: []", "Got the keys tests"),
        ("hello", 'Got "hello"'),
        ("- {name: [", "must be YAML"),
        ("- !!python/object:os.system {}", "no YAML tag"),
        ("- &a {name: x, kind: must}\n- *a", "must be written out"),
        ("[" * 50, "levels deep"),
        ("x" * 300_000, "at most 200,000 characters"),
        (b"\xff\xfe", "must be UTF-8"),
        ("- {kind: [must]}", "must be one of must"),
        ("- {name: x, kind: invariance, examples: [a], swaps: {from: [], to: [b]}}", "Got an empty one, or none"),
        ("- {name: x, kind: invariance, examples: [a], swaps: {from: [a, A], to: [b, c]}}", "each word of from once"),
        ("- {name: x, kind: invariance, examples: [a], swaps: {from: [a], to: [A]}}", "for itself"),
    ],
)
def test_what_is_no_behaviours_file_is_refused(tmp_path, text, part):
    assert part in refusal(tmp_path, text)


def test_a_file_that_is_not_there_or_far_too_long_is_named(tmp_path):
    with pytest.raises(PlanError, match=r"none\.yaml must be a readable behaviours file"):
        read_behaviours(tmp_path / "none.yaml")
    with pytest.raises(PlanError, match="at most 1,000,000 bytes"):
        read(tmp_path, b"#" * 2_000_000)
    os.mkdir(tmp_path / "folder")
    with pytest.raises(PlanError, match="readable"):
        read_behaviours(tmp_path / "folder")


@pytest.fixture
def data():
    frame = pl.DataFrame(
        {
            "message": [f"an ordinary message number {i} of several" for i in range(40)],
            "channel": ["phone", "mail"] * 20,
            "amount": [str(i * 37 % 101) for i in range(40)],
            "team": ["refund", "spam"] * 20,
            "value": [str(i * 0.5) for i in range(40)],
            "seller": ["x"] * 40,
        }
    )

    def of(target, **more):
        table = describe(frame, target=target, columns={"seller": "ignore"}, derive=more)
        labels = ("refund", "spam") if target == "team" else ()
        return {"table": table, "labels": labels, "typed": conform(frame, table).schema}

    return of


def misfits(behaviours, known):
    with pytest.raises(PlanError) as refused:
        check_behaviours(behaviours, **known)
    return str(refused.value)


def test_behaviours_of_this_data_are_let_through(data):
    check_behaviours(
        (
            Must(name="a", examples=("x", {"amount": "3"}), label="spam"),
            Invariance(name="b", apply_to="amount > 3 and channel == 'phone'", set={"channel": "mail"}),
            Invariance(name="c", examples=("x",), swaps={"from": "x", "to": "y"}, column="channel"),
            Direction(name="d", examples=("x",), add="y", lowers="refund", by=0.1),
        ),
        **data("team"),
    )
    check_behaviours(
        (
            Must(name="a", examples=("x",), at_least=2),
            Invariance(name="b", examples=("x",), set={"amount": "3"}, tolerance=1),
            Direction(name="c", examples=("x",), set={"amount": "9"}, raises="value", by=2),
        ),
        **data("value"),
    )


def test_what_does_not_fit_a_label_is_listed(data):
    said = misfits(
        (
            Must(name="a", examples=({"mesage": "x"},), label="refnud"),
            Must(name="b", examples=("x",), at_least=1),
            Invariance(name="c", examples=("x",), set={"seller": "y", "team": "spam"}, tolerance=1),
            Invariance(name="d", apply_to="amont > 1", swaps={"from": "a", "to": "b"}),
            Direction(name="e", apply_to="amount", add="x", raises="value", by=1, column="chanel"),
        ),
        data("team"),
    )
    for place, part in (
        ("[0].examples[0]", "Did you mean 'message'?"),
        ("[0].label", "Did you mean 'refund'?"),
        ("[1].label", "must be given where a label is predicted"),
        ("[2].set", 'Got "seller"'),
        ("[2].set", 'Got "team"'),
        ("[2].tolerance", "must be left out"),
        ("[3].apply_to", "Did you mean 'amount'?"),
        ("[4].apply_to", "true or false"),
        ("[4].raises", 'Got "value". The labels are'),
        ("[4].by", "below 1"),
        ("[4].column", "Did you mean 'channel'?"),
    ):
        assert any(f"{place}: " in line and part in line for line in said.splitlines()), (place, part, said)


def test_what_does_not_fit_a_number_is_listed(data):
    said = misfits(
        (
            Must(name="a", examples=("x",), label="refund"),
            Invariance(name="b", examples=("x",), set={"amount": "3"}),
            Direction(name="c", examples=("x",), add="y", lowers="refund"),
        ),
        data("value"),
    )
    for place, part in (("[0].label", "at_least"), ("[1].tolerance", "> 0"), ("[2].lowers", "the word value")):
        assert any(f"{place}: " in line and part in line for line in said.splitlines())


def test_texts_need_one_text_column(data):
    known = data("team")
    columns = tuple(replace(c, kind="category") if c.name == "message" else c for c in known["table"].columns)
    known["table"] = replace(known["table"], columns=columns)
    said = misfits(
        (
            Must(name="a", examples=("x",), label="spam"),
            Direction(name="b", examples=({"amount": "1"},), add="y", raises="spam"),
            Invariance(name="c", examples=({"amount": "1"},), swaps={"from": "1", "to": "2"}),
        ),
        known,
    )
    assert said.count("[0].examples: must give cells by column") == 1
    assert said.count("[1].column: must say where to add") == said.count("[2].column: must say where to swap") == 1


def test_a_source_of_a_derived_column_may_be_set(data):
    known = data("team", from_seller="length(seller)")
    check_behaviours((Invariance(name="a", examples=("x",), set={"seller": "y"}),), **known)
    assert 'Got "from_seller"' in misfits((Invariance(name="a", examples=("x",), set={"from_seller": "1"}),), known)


def test_json_and_back(tmp_path):
    behaviours = read(tmp_path, GOOD)
    written = json.loads(json.dumps(behaviours_to_json(behaviours), allow_nan=False))
    assert behaviours_from_json(written, source="The bundle") == behaviours
    assert [one["kind"] for one in written] == ["must", "must", "invariance", "invariance", "direction"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "must be a list of behaviours"),
        ({"a": 1}, "must be a list of behaviours"),
        ([], "must be a list of behaviours"),
        (["text"], r"\[0\]: must be a behaviour"),
        ([{"kind": "os.system", "name": "a"}], r"\[0\]\.kind: must be one of"),
        (
            [{"kind": "must", "name": "a", "examples": ["x"], "label": "y", "run": "z"}],
            r"\[0\]\.run: must be a known key",
        ),
        ([{"kind": "must", "name": "a", "examples": [[["x"]]], "label": "y"}], r"\[0\]\.examples"),
        ([{"kind": "must", "name": "a", "examples": [1], "label": {"a": 1}}], r"\[0\]\.label"),
        ([{"kind": "invariance", "name": "a", "apply_to": "__import__('os')", "set": {"a": "b"}}], "apply_to"),
        ([{"kind": "must", "name": "a", "examples": ["x"], "label": "y"}] * 2, "a name of its own"),
    ],
)
def test_json_from_outside_is_held_to_the_rules_of_a_file(value, says):
    with pytest.raises(PlanError, match=says) as refused:
        behaviours_from_json(value, source="The bundle")
    assert str(refused.value).startswith("The bundle must have no mistakes")
