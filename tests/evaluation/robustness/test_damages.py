"""Each kind of damage: what it does to a text, the same text always alike, and nothing where nothing can be damaged."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.evaluation.robustness import DAMAGES, Rows, with_cells
from tunewright.evaluation.robustness.missing import Missing
from tunewright.evaluation.robustness.punctuation import without_punctuation
from tunewright.evaluation.robustness.rewording import BOTH_WAYS, ONE_WAY, reworded
from tunewright.evaluation.robustness.truncation import Truncation
from tunewright.evaluation.robustness.typos import Typos
from tunewright.evaluation.robustness.whitespace import Whitespace
from tunewright.evaluation.robustness.word_forms import WordForms, forms_of
from tunewright.records import Column, Table

TEXTS = [
    "Where is my parcel? I do not see it!",
    "two REFUNDS are missing, I'm sure",
    "a refund, please",
    None,
    "",
    "ok",
    "Émilie's order №5 costs 3.50 €",
    "退货 在哪里",
]


def rows_of(texts=TEXTS, seed=0, **more):
    frame = pl.DataFrame({"message": pl.Series(texts, dtype=pl.String), **more})
    kinds = {"message": "text"} | {name: "number" if frame[name].dtype.is_numeric() else "category" for name in more}
    columns = tuple(Column(name=name, kind=kind, role="feature", why="") for name, kind in kinds.items())
    table = Table(
        rows=frame.height, columns=columns, fingerprint="", target="y", task="binary", task_why=""
    )  # fmt: skip
    return Rows(typed=frame, table=table, seed=seed)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.kind)
def test_rows_stay_as_many_and_of_their_types_and_come_out_the_same_again(damage):
    rows = rows_of(size=pl.Series(range(len(TEXTS)), dtype=pl.Float64))
    before = rows.typed.clone()
    found = dict(damage.change(rows))
    assert found and len(damage.says) > 10
    for cells in found.values():
        damaged = with_cells(rows, cells)
        assert damaged.schema == rows.typed.schema and damaged.height == rows.typed.height
        assert not damaged.equals(rows.typed)
    assert rows.typed.equals(before)
    again = dict(damage.change(rows_of(size=pl.Series(range(len(TEXTS)), dtype=pl.Float64))))
    assert {name: {c: s.to_list() for c, s in cells.items()} for name, cells in again.items()} == {
        name: {c: s.to_list() for c, s in cells.items()} for name, cells in found.items()
    }


@pytest.mark.parametrize("damage", [one for one in DAMAGES if one.kind != "missing"], ids=lambda one: one.kind)
def test_a_text_is_damaged_alike_wherever_it_stands_and_empty_cells_stay_empty(damage):
    order = [7, 2, 5, 0, 3, 1, 6, 4]
    plain, turned = (dict(damage.change(rows_of([TEXTS[place] for place in o]))) for o in (range(8), order))
    for name, cells in plain.items():
        found = cells["message"].to_list()
        assert [found[place] for place in order] == turned[name]["message"].to_list()
        assert found[3] is None and found[4] == ""


def test_another_seed_slips_elsewhere():
    first, other = (next(Typos().change(rows_of(["where is my parcel"] * 1, seed=seed)))[1] for seed in (0, 1))
    assert first["message"][0] != other["message"][0]


def distance(a, b):
    """Levenshtein's, by brute force, with neighbours that changed places counting once."""
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    table[:, 0], table[0, :] = range(len(a) + 1), range(len(b) + 1)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            options = [table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a[i - 1] != b[j - 1])]
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                options.append(table[i - 2, j - 2] + 1)
            table[i, j] = min(options)
    return int(table[-1, -1])


@given(
    st.lists(st.sampled_from(["where", "is", "my", "parcel", "Überweisung", "refund", "x9"]), min_size=1),
    st.integers(0, 99),
)
def test_typos_are_one_edit_in_as_many_words_as_asked_for(words, seed):
    text = " ".join(words)
    slipped = Typos(share=0.3).slipped(text, np.random.default_rng(seed))
    long = [word for word in words if len(word) >= 4]
    others = [(old, new) for old, new in zip(words, slipped.split(" "), strict=True) if old != new]
    assert len(others) == (max(1, round(0.3 * len(long))) if long else 0)
    # A doubled letter of a foreign keyboard may stand for two.
    assert all(distance(old, new) <= 2 and new[0] == old[0] for old, new in others)


def test_case_has_two_sides():
    (lower, upper) = dict(DAMAGES[1].change(rows_of(["Ab c"]))).items()
    assert (lower[0], lower[1]["message"][0]) == ("lower case", "ab c")
    assert (upper[0], upper[1]["message"][0]) == ("upper case", "AB C")


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Don’t wait - pay $3.50, now!", "Dont wait pay $3.50 now"),
        ("10,000 rows; 24/7", "10,000 rows 24/7"),
        ("?!", "?!"),
        ("no signs  here", "no signs  here"),
        ("thanks 😀!", "thanks 😀"),
    ],
)
def test_punctuation_goes_and_meaning_stays(text, bare):
    assert without_punctuation(text) == bare


@given(st.text(alphabet="ab \n\t", min_size=1, max_size=40), st.integers(0, 9))
def test_whitespace_keeps_every_letter_in_order(text, seed):
    spaced = Whitespace().spaced(text, np.random.default_rng(seed))
    assert "".join(spaced.split()) == "".join(text.split())
    if len(text.split()) > 1:
        assert len(spaced.split()) < len(text.split())


def test_truncation_keeps_the_beginning():
    cells = dict(Truncation().change(rows_of(["abcdefgh", "x"])))["cut in half"]
    assert cells["message"].to_list() == ["abcd", "x"]


def test_rewording_goes_both_ways_where_meaning_allows():
    for long, short in BOTH_WAYS:
        assert reworded(f"so {long} now") == f"so {short} now" and reworded(f"so {short} now") == f"so {long} now"
    for long, short in ONE_WAY:
        assert reworded(f"so {long} now") == f"so {short} now" and reworded(f"so {short} now") == f"so {short} now"
    assert reworded("I DON\u2019T know, Don't ask; undo not") == "I DO NOT know, Do not ask; undo not"
    assert reworded("die Farbe ist grau") == "die Farbe ist grau"


def test_word_forms_come_from_the_texts_themselves():
    forms = forms_of(["Refund the policy", "refunds, policies and refunded", "news of a new bus and buses"])
    assert forms["refund"] == ("refunded", "refunds") and forms["policies"] == ("policy",)
    assert not {"news", "new", "the"} & set(forms)
    for seed in range(5):
        found = WordForms(share=1.0).inflected("REFUND my Policy", forms, np.random.default_rng(seed))
        assert found in ("REFUNDED my Policies", "REFUNDS my Policies")
    assert WordForms().inflected("nothing of it", forms, np.random.default_rng(0)) == "nothing of it"


def test_columns_go_missing_one_after_the_other():
    rows = rows_of(["a", "b"], size=pl.Series([1.0, 2.0]), plan=pl.Series(["x", "y"]))
    found = dict(Missing(most=2).change(rows))
    assert list(found) == ["message empty", "size empty"]
    assert with_cells(rows, found["size empty"]).rows() == [("a", None, "x"), ("b", None, "y")]
    assert dict(Missing().change(rows_of())) == {}


def test_derived_columns_follow_their_sources():
    rows = rows_of(["one two", "three"], size=pl.Series([1.0, 2.0]))
    columns = (
        *rows.table.columns,
        Column(name="twice", kind="number", role="feature", why="", derived="size * 2"),
        Column(name="count", kind="number", role="feature", why="", derived="words(message)"),
        Column(name="other", kind="number", role="feature", why="", derived="hidden + size"),
    )
    typed = rows.typed.with_columns(twice=pl.lit(2.0), count=pl.Series([2.0, 1.0]), other=pl.lit(7.0))
    table = Table(rows=2, columns=columns, fingerprint="", target="y", task="binary", task_why="")
    rows = Rows(typed=typed, table=table, seed=0)
    assert rows.columns == ("message", "size")
    found = with_cells(rows, dict(Missing().change(rows))["size empty"])
    assert found["twice"].to_list() == [None, None] and found["other"].to_list() == [7.0, 7.0]
    found = with_cells(rows, dict(Truncation().change(rows))["cut in half"])
    assert found["count"].to_list() == [1.0, 1.0] and found["twice"].to_list() == [2.0, 2.0]


def test_the_page_for_users_names_every_kind():
    from pathlib import Path

    page = (Path(__file__).parents[3] / "docs" / "evidence.md").read_text("utf-8")
    assert [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")][: len(DAMAGES)] == [
        damage.kind for damage in DAMAGES
    ]
