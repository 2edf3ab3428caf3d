from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.planfile import at_least, convert, read_yaml
from tunewright.planfile.problems import show


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    share: float = field(default=0.25, metadata={"check": at_least(0)})
    way: Literal["robust", "standard"] = "robust"


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    kind: Literal["none", "some"] = field(default="none", metadata={"alone": True})
    much: float | Literal["auto"] = field(default="auto", metadata={"check": at_least(0, example=0.1)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    whole: int = field(default=4, metadata={"check": at_least(1)})
    rate: float | Literal["auto"] = field(default="auto", metadata={"check": at_least(0, example=2e-4)})
    text: str = "t"
    maybe: str | None = "m"
    flag: bool = True
    words: tuple[str, ...] = ("w",)
    pair: Literal["auto", "none"] | tuple[str, str] = "auto"
    kinds: Mapping[str, Literal["text", "number"]] = field(default_factory=dict)
    inner: Inner = field(default_factory=Inner)
    short: Short = field(default_factory=Short)


def read(text):
    tree, problems = read_yaml(text)
    assert problems == []
    return convert(Outer, tree)


GOOD = [
    ("whole: 7", "whole", 7),
    ("whole: '7'", "whole", 7),
    ("whole: +7", "whole", 7),
    ("rate: 2e-4", "rate", 2e-4),
    ("rate: 1", "rate", 1.0),
    ("rate: .5", "rate", 0.5),
    ("rate: auto", "rate", "auto"),
    ("text: no", "text", "no"),
    ("text: 12:30", "text", "12:30"),
    ("text: 1e3", "text", "1e3"),
    ("text: ''", "text", ""),
    ("text: 'null'", "text", "null"),
    ("maybe: null", "maybe", None),
    ("maybe: ~", "maybe", None),
    ("maybe:", "maybe", None),
    ("maybe: 'null'", "maybe", "null"),
    ("maybe: ''", "maybe", ""),
    ("flag: off", "flag", False),
    ("flag: No", "flag", False),
    ("flag: yes", "flag", True),
    ("words: [no, on, 1, 2e-4]", "words", ("no", "on", "1", "2e-4")),
    ("words:", "words", ()),
    ("words: []", "words", ()),
    ("pair: [a, auto]", "pair", ("a", "auto")),
    ("pair: none", "pair", "none"),
    ("kinds: {no: text, 1: number}", "kinds", {"no": "text", "1": "number"}),
    ("kinds:", "kinds", {}),
    ("inner: {way: standard}", "inner", Inner(way="standard")),
    ("inner:", "inner", Inner()),
    ("short:", "short", Short()),
    ("short: none", "short", Short()),
    ("short: some", "short", Short(kind="some")),
    ("short: {kind: some, much: 0.5}", "short", Short(kind="some", much=0.5)),
]


@pytest.mark.parametrize("text, name, expected", GOOD)
def test_scalars_take_the_type_of_their_field(text, name, expected):
    value, problems = read(text)
    assert problems == []
    assert getattr(value, name) == expected
    assert type(getattr(value, name)) is type(expected)


BAD = [
    ("whole: four", "whole", 'must be a whole number >= 1. Got "four". Write a number such as 4.'),
    ("whole: 4.5", "whole", 'must be a whole number >= 1. Got "4.5". Write a number such as 4.'),
    ("whole: 0", "whole", 'must be a whole number >= 1. Got "0". Write a number such as 4.'),
    ("whole: 1e3", "whole", 'must be a whole number >= 1. Got "1e3". Write a number such as 4.'),
    ("whole:", "whole", "must be a whole number >= 1. Got null. Write a number such as 4."),
    ("whole: true", "whole", 'must be a whole number >= 1. Got "true". Write a number such as 4.'),
    ("whole: 1_000", "whole", 'must be a whole number >= 1. Got "1_000". Write a number such as 4.'),
    ("rate: nan", "rate", 'must be auto or a number >= 0. Got "nan". Write a number such as 0.0002.'),
    ("rate: 1e999", "rate", 'must be auto or a number >= 0. Got "1e999". Write a number such as 0.0002.'),
    ("rate: -1", "rate", 'must be auto or a number >= 0. Got "-1". Write a number such as 0.0002.'),
    ("rate: aut", "rate", 'must be auto or a number >= 0. Got "aut". Did you mean auto?'),
    ("text: null", "text", "must be text. Got null. Write a value such as t."),
    ("maybe: [a]", "maybe", "must be text or null. Got a list of 1. Write a value such as m."),
    ("flag: maybe", "flag", 'must be true or false. Got "maybe". Write a value such as true.'),
    ("words: w", "words", 'must be a list (each item text). Got "w". Write a value such as [first, second].'),
    ("words: [a, {b: c}]", "words[1]", "must be text. Got the keys b. Write a value such as a_name."),
    (
        "pair: [a]",
        "pair",
        "must be auto, none or a list of 2 (each item text). Got a list of 1. Write a value such as [first, second].",
    ),
    ("pair: [a, [b]]", "pair[1]", "must be text. Got a list of 1. Write a value such as a_name."),
    ("kinds: {a: txt}", "kinds.a", 'must be text or number. Got "txt". Did you mean text?'),
    (
        "kinds: [a]",
        "kinds",
        "must be names, each with text or number. Got a list of 1. Write a value such as {a_name: text}.",
    ),
    ("inner: 4", "inner", 'must be a section with the keys share, way. Got "4". Write its keys below it, indented.'),
    ("inner: {way: Robustt}", "inner.way", 'must be robust or standard. Got "Robustt". Did you mean robust?'),
    (
        "inner: {way: zzz}",
        "inner.way",
        'must be robust or standard. Got "zzz". Write one of these words, such as robust.',
    ),
    ("inner: {shar: 1}", "inner.shar", 'must be a known key, one of share, way. Got "shar". Did you mean share?'),
    ("short: somme", "short", 'must be none or some. Got "somme". Did you mean some?'),
    ("short: [some]", "short", "must be none or some. Got a list of 1. Write one of these words, such as none."),
    ("short: {knd: some}", "short.knd", 'must be a known key, one of kind, much. Got "knd". Did you mean kind?'),
    (
        "short: {kind: some, much: -1}",
        "short.much",
        'must be auto or a number >= 0. Got "-1". Write a number such as 0.1.',
    ),
    ("inner: {zzz: 1}", "inner.zzz", 'must be a known key, one of share, way. Got "zzz". Remove it.'),
]


@pytest.mark.parametrize("text, path, says", BAD)
def test_each_mistake_is_explained(text, path, says):
    value, problems = read(text)
    assert [(p.path, p.text) for p in problems] == [(path, says)]
    assert isinstance(value, Outer)


def test_a_key_of_another_section_is_sent_there():
    assert read("share: 1")[1][0].text.endswith('Got "share". Did you mean inner.share?')


def test_all_mistakes_are_found_and_the_rest_is_read():
    value, problems = read("{whole: x, rate: y, words: [[], {}], inner: {share: -1, way: q}, flag: no, zz: 1}")
    assert sorted(p.path for p in problems) == [
        "inner.share",
        "inner.way",
        "rate",
        "whole",
        "words[0]",
        "words[1]",
        "zz",
    ]
    assert value == Outer(flag=False)


def test_native_values_take_the_same_road():
    tree = {
        "whole": np.int64(3),
        "rate": np.float32(0.5),
        "text": Path("a") / "b",
        "maybe": None,
        "flag": False,
        "words": ["a"],
        "pair": ("a", "b"),
        "kinds": {"a": "text"},
        "inner": Inner(share=1),
    }
    value, problems = convert(Outer, tree)
    assert problems == []
    assert value == Outer(
        whole=3,
        rate=0.5,
        text=str(Path("a") / "b"),
        maybe=None,
        flag=False,
        words=("a",),
        pair=("a", "b"),
        kinds={"a": "text"},
        inner=Inner(share=1.0),
    )
    assert type(value.whole) is int and type(value.rate) is float and type(value.inner.share) is float


@pytest.mark.parametrize(
    "name, native",
    [
        ("whole", True),
        ("whole", 4.0),
        ("rate", False),
        ("rate", float("inf")),
        ("rate", 10**400),
        ("text", 3),
        ("text", None),
        ("flag", 1),
        ("words", "abc"),
        ("words", {"a"}),
        ("kinds", {1: "text"}),
        ("inner", Inner(share=-1)),
        ("inner", [("share", 1)]),
    ],
)
def test_native_values_of_another_type_are_refused(name, native):
    assert [p.path for p in convert(Outer, {name: native})[1]] in ([name], [f"{name}.share"])


def test_native_texts_mean_what_they_say():
    value, problems = convert(Outer, {"text": "null", "maybe": "~", "words": ["", "null"]})
    assert problems == [] and (value.text, value.maybe, value.words) == ("null", "~", ("", "null"))


@given(st.text(max_size=12))
def test_a_number_is_what_python_and_json_agree_on(text):
    value, problems = convert(Outer, {"rate": text, "inner": {"share": text}})
    if not problems:
        assert value.rate == value.inner.share == float(text)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 10**18 - 1))
def test_every_number_that_python_writes_is_read(number, whole):
    value, problems = convert(Outer, {"rate": repr(abs(number)), "whole": repr(whole)})
    assert problems == [] and value.rate == abs(number) and value.whole == whole


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*Outer.__dataclass_fields__, "zz", "shar"]), JSON, max_size=5) | JSON)
def test_no_tree_makes_it_fail(tree):
    value, problems = convert(Outer, tree)
    assert isinstance(value, Outer)
    again, none = convert(Outer, value)
    assert again == value and none == []
    assert all("\n" not in str(problem) for problem in problems)


def test_what_is_shown_is_short_and_harmless():
    assert len(show("x" * 10_000)) < 100
    assert "\x1b" not in show("\x1b[31m") and "\u202e" not in show("\u202eabc")
