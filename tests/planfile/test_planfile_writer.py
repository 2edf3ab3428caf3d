from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tunewright.planfile import convert, read_yaml, write_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    text: str = ""
    maybe: str | None = None
    words: tuple[str, ...] = ()
    by_name: Mapping[str, str] = field(default_factory=dict)
    number: float = 0.0
    whole: int = 0
    flag: bool = False


NASTY = [
    "", " ", " x", "x ", "no", "Yes", "on", "null", "Null", "~", "1e3", "2e-4", "12:30", "0x1F", "1_000", ".5", "nan",
    ".inf", "-", "- x", "a: b", "a #b", "#", "*a", "&a", "!t", "!!str", "%", "@", "`", "'", '"', "[", "{", "}", ",",
    "?", "|", ">", "<<", "=", "---", "...", "\n", "a\nb\n", "\t", "\r", "\x00", "\x1b", "\x85", "\u2028", "\ufeff",
    "\ufeffa", "a\x85b", "\u2029", "\x0b", "\x1c",
    "é", "表", "🙂", "\ud800", "\\", "\\n", "x" * 300, "word " * 100, "true", "2024-01-01",
]  # fmt: skip
TEXTS = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=()), max_size=20)
RECORDS = st.builds(
    Texts,
    text=TEXTS,
    maybe=st.none() | TEXTS,
    words=st.lists(TEXTS, max_size=4).map(tuple),
    by_name=st.dictionaries(TEXTS, TEXTS, max_size=4),
    number=st.floats(allow_nan=False, allow_infinity=False),
    whole=st.integers(-(10**18) + 1, 10**18 - 1),
    flag=st.booleans(),
)


def back(text):
    tree, problems = read_yaml(text)
    assert problems == []
    record, wrong = convert(Texts, tree)
    assert wrong == []
    return record


@given(RECORDS)
def test_what_is_written_reads_back_equal(record):
    assert back(write_yaml(record)) == record


@pytest.mark.parametrize("text", NASTY)
def test_each_nasty_text_survives_everywhere(text):
    record = Texts(text=text, maybe=text, words=(text, text), by_name={text: text})
    assert back(write_yaml(record)) == record


@given(RECORDS)
def test_other_yaml_readers_see_the_same_texts(record):
    # Oracle: PyYAML's safe loader with YAML 1.1's own guesses about scalars.
    seen = yaml.safe_load(write_yaml(record))
    assert (seen["text"], seen["maybe"], tuple(seen["words"])) == (record.text, record.maybe, record.words)
    assert seen["number"] == record.number and seen["flag"] is record.flag


def test_the_order_is_that_of_the_fields_and_of_the_names_given():
    text = write_yaml(Texts(by_name={"z": "1", "a": "2"}))
    assert list(yaml.safe_load(text)) == list(Texts.__dataclass_fields__)
    assert text.index("z:") < text.index("a:")
