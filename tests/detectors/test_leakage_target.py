"""What gives the target away is found in each of its forms; what merely predicts well is left alone."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tunewright.data import read
from tunewright.detectors.leakage_target import LeakageTarget
from tunewright.detectors.leaking_sums import formula

SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared public data sets are not beside the checkout")
EXAMPLE = Path(__file__).parents[2] / "src" / "tunewright" / "example" / "support_desk.csv"
ROWS = 400


def rng():
    return np.random.default_rng(0)


def classes(rows=ROWS, many=4):
    return np.array([f"class{number}" for number in range(many)])[rng().integers(0, many, rows)]


def table(pose, y, **columns):
    frame = pl.DataFrame({"noise": np.random.default_rng(9).random(len(y)), **columns, "y": y})
    return pose(frame, y="number" if np.issubdtype(np.asarray(y).dtype, np.number) else "category")


def names(rows):
    return {name for finding in LeakageTarget().find(rows) for name in finding.columns}


def slipped(y, share):
    wrong = rng().random(len(y)) < share
    return np.where(wrong, np.roll(y, 7), y)


@pytest.mark.parametrize(("slips", "found"), [(0.0, {"code"}), (0.03, {"code"}), (0.4, set())])
def test_a_code_for_the_class(slips, found, pose):
    y = classes()
    code = np.array(["R7", "R2", "Q1", "Z9"])[np.unique(slipped(y, slips), return_inverse=True)[1]]
    rows = table(pose, y, code=code)
    assert names(rows) == found
    for finding in LeakageTarget().find(rows):
        assert finding.severity == "error" and finding.remedy == "drop_columns" and finding.score > 0.9


def test_a_number_for_each_of_many_classes(pose):
    y = classes(many=40, rows=2000)
    number = np.unique(y, return_inverse=True)[1] * 10.0
    assert names(table(pose, y, closing=number + rng().normal(0, 0.5, len(y)))) == {"closing"}


def test_a_good_predictor_is_no_leak(pose):
    """Two measures that part three classes by 95 %, as petals do irises."""
    kind = rng().integers(0, 3, ROWS)
    y = np.array(["a", "b", "c"])[kind]
    one, two = kind * 2 + rng().normal(0, 0.5, ROWS), kind + np.random.default_rng(1).normal(0, 0.25, ROWS)
    assert names(table(pose, y, one=one, two=two)) == set()


def test_a_time_by_which_the_classes_were_filed(pose):
    y = np.sort(classes())
    filed = pl.Series(np.arange(ROWS) * 3_600_000_000).cast(pl.Datetime("us"))
    assert names(table(pose, y, filed=filed)) == {"filed"}


def test_few_rows_of_the_other_class_show_nothing(pose):
    y = np.array(["a"] * 392 + ["b"] * 8)
    assert names(table(pose, y, flag=np.where(y == "b", "x", "y"))) == set()


@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_a_scaled_copy_of_a_number(noise, pose):
    y = rng().lognormal(3, 1, ROWS * 3)
    low, high = np.quantile(y, [0.16, 0.84])
    copy = 3.5 * (y + noise * (high - low) / 2 * np.random.default_rng(1).normal(size=len(y))) + 20
    assert names(table(pose, y, copy=copy)) == {"copy"}


def test_a_monotone_copy_of_a_number(pose):
    y = rng().normal(100, 9, ROWS * 3)
    assert names(table(pose, y, log=np.log(y))) == {"log"}
    assert names(table(pose, y, near=y + np.random.default_rng(1).normal(0, 3, len(y)))) == set()


A, B, C, D = np.random.default_rng(4).uniform(1, 90, (4, 300)).round(1)
FORMULAS = [
    (A + B, ("a", "b"), "the sum of 'a' and 'b'"),
    (A - C, ("a", "c"), "the difference of 'a' and 'c'"),
    (C - A, ("a", "c"), "the difference of 'c' and 'a'"),
    (B * C, ("b", "c"), "the product of 'b' and 'c'"),
    (A / D, ("a", "d"), "'a' divided by 'd'"),
    (A + B + D, ("a", "b", "d"), "the sum of 'a', 'b' and 'd'"),
    (2 * A - 0.5 * C + 7, ("a", "c"), "2 times 'a' plus -0.5 times 'c' plus 7"),
    (9 * D, ("d",), "a scaled copy of 'd'"),
]


@pytest.mark.parametrize(("y", "columns", "text"), FORMULAS, ids=[text for *_, text in FORMULAS])
def test_each_formula(y, columns, text):
    found = formula({"a": A, "b": B, "c": C, "d": D}, y)
    assert (found.columns, found.text, found.share) == (columns, text, 1.0)


def test_a_formula_with_a_few_wrong_cells():
    wrong = A.copy()
    wrong[[3, 99, 180]] = 1e6, np.nan, -5.0
    found = formula({"a": wrong, "b": B, "c": C}, A + B)
    assert found.columns == ("a", "b") and 0.98 < found.share < 1


def test_no_formula_in_what_merely_goes_along():
    y = A + B + np.random.default_rng(1).normal(0, 2, 300)
    assert formula({"a": A, "b": B, "c": C}, y) is None
    assert formula({"a": A}, np.zeros(300)) is None
    assert formula({}, A) is None


def test_two_formulas_are_both_found(pose):
    assert names(table(pose, A + B, a=A, b=B, p=0.3 * (A + B) + C, q=0.7 * (A + B) - C)) == {"a", "b", "p", "q"}


@pytest.mark.parametrize(("inside", "outside", "found"), [(0.97, 0.01, True), (0.99, 0.15, True), (0.6, 0.3, False)])
@pytest.mark.parametrize("task", ["classes", "number"])
def test_empty_cells_that_tell(inside, outside, found, task, pose):
    draw = rng()
    y = classes(many=2) if task == "classes" else draw.lognormal(2, 1, ROWS)
    group = y == "class1" if task == "classes" else y >= np.quantile(y, 2 / 3)
    empty = draw.random(ROWS) < np.where(group, inside, outside)
    asked = [None if gone else colour for gone, colour in zip(empty, draw.choice(["red", "green"], ROWS), strict=True)]
    assert names(table(pose, y, asked=asked)) == ({"asked"} if found else set())


FILLER = "today soon again for my friend and his mother from here with a card in town or at home"


def topical(y, seed=0):
    """Texts on each class's topic, in which its word stands where grammar puts it."""
    draw = np.random.default_rng(seed)
    topics = {"class0": "routing", "class1": "refund", "class2": "luggage", "class3": "mortgage"}
    heads = ["what is the {} number of the bank", "please tell me the {} number", "i want the {} number now"]
    filler = FILLER.split()
    return [
        f"{draw.choice(heads).format(topics[one])} {' '.join(draw.choice(filler, draw.integers(2, 9)))}" for one in y
    ]


def texts_of(pose, texts, y):
    kind = "number" if np.issubdtype(np.asarray(y).dtype, np.number) else "category"
    return pose(pl.DataFrame({"text": texts, "y": y}), text="text", y=kind)


def test_words_of_a_topic_are_no_leak(pose):
    y = classes(many=4)
    assert names(texts_of(pose, topical(y), y)) == set()


@pytest.mark.parametrize("share", [0.97, 0.75])
def test_a_mark_anywhere_in_the_texts_of_one_class(share, pose):
    draw, y = rng(), classes()
    texts = []
    for text, one in zip(topical(y), y, strict=True):
        words = text.split()
        if one == "class2" and draw.random() < share:
            words.insert(int(draw.integers(len(words) + 1)), "xq7")
        texts.append(" ".join(words))
    (finding,) = LeakageTarget().find(texts_of(pose, texts, y))
    assert finding.columns == ("text",) and "'xq7'" in finding.evidence and "'class2'" in finding.evidence
    assert all("xq7" in texts[row].split() for row in finding.rows)


@pytest.mark.parametrize(
    "form", ["{text} [{y}]", "{y}: {text}", "{text} (category: {y})", "fwd category {y} said {text}"]
)
def test_the_label_in_a_fixed_form(form, pose):
    y = classes()
    texts = [form.format(text=text, y=one) for text, one in zip(topical(y), y, strict=True)]
    (finding,) = LeakageTarget().find(texts_of(pose, texts, y))
    assert finding.columns == ("text",) and finding.severity == "error" and finding.score > 0.9


def test_a_number_behind_a_key(pose):
    stars = rng().uniform(0, 10, 900).round(2)
    texts = [f"{text} score: {one} of ten" for text, one in zip(topical(classes(900)), stars, strict=True)]
    (finding,) = LeakageTarget().find(texts_of(pose, texts, stars))
    assert finding.columns == ("text",) and "behind 'score'" in finding.evidence


def test_several_labels(pose):
    draw = rng()
    y = ["|".join(sorted(set(draw.choice(["joy", "love", "rage", "fear"], 2)))) for _ in range(ROWS)]
    texts = [f"so it goes today with {' '.join(draw.permutation(list('abcdefg')))}" for _ in y]
    marked = [f"zork {text}" if "rage" in labels.split("|") else text for text, labels in zip(texts, y, strict=True)]
    frame = pl.DataFrame({"text": marked, "code": [labels.upper() for labels in y], "y": y})
    assert names(pose(frame, text="text", code="category", y="multilabel")) == {"text", "code"}
    clean = pl.DataFrame({"text": texts, "y": y})
    assert names(pose(clean, text="text", y="multilabel")) == set()


def tagged(texts, where):
    return [f"{text} #q77x" if there else text for text, there in zip(texts, where, strict=True)]


def test_a_mark_on_one_set_of_labels_is_seen_though_its_labels_have_other_texts_too(pose):
    """Half of the texts of "joy" have other labels besides, and no mark."""
    y = ["joy", "joy|love", "love|rage", "fear", "rage", "joy|rage"] * 70
    texts = topical(classes(len(y)))
    frame = pl.DataFrame({"text": tagged(texts, [one == "joy" for one in y]), "y": y})
    (finding,) = LeakageTarget().find(pose(frame, text="text", y="multilabel"))
    assert finding.columns == ("text",) and "'#q77x' in 100.0% of the texts of 'joy' alone" in finding.evidence
    clean = pl.DataFrame({"text": texts, "y": y})
    assert names(pose(clean, text="text", y="multilabel")) == set()


def test_a_mark_is_named_once_and_by_what_it_fits_best(pose):
    y = ["joy", "joy|love", "love|rage", "fear"] * 100
    marked = tagged(topical(classes(len(y))), ["joy" in one for one in y])
    (finding,) = LeakageTarget().find(pose(pl.DataFrame({"text": marked, "y": y}), text="text", y="multilabel"))
    assert "of the texts of 'joy' and" in finding.evidence and finding.evidence.count("#q77x") == 1


@pytest.mark.parametrize("width", [0.1, 0.17, 0.25, 1 / 3, 0.45])
@pytest.mark.parametrize("end", ["largest", "smallest"])
def test_a_mark_on_either_end_of_a_number_however_wide(width, end, pose):
    y = rng().gamma(2.0, 3.0, 900).round(1)  # many rows share a value
    there = y >= np.quantile(y, 1 - width) if end == "largest" else y <= np.quantile(y, width)
    texts = topical(classes(900))
    (finding,) = LeakageTarget().find(texts_of(pose, tagged(texts, there), y))
    assert finding.columns == ("text",) and f"of the texts of the {end}" in finding.evidence
    assert finding.score > 0.84 and all(there[row] for row in finding.rows)
    assert names(texts_of(pose, texts, y)) == set()


def test_empty_cells_that_tell_one_set_of_labels(pose):
    y = ["joy", "joy|love", "love|rage", "fear", "rage", "joy|rage"] * 70
    filled = [float(n % 13) if one == "joy" else None for n, one in enumerate(y)]
    frame = pl.DataFrame({"noise": rng().random(len(y)), "refund": filled, "y": y})
    (finding,) = LeakageTarget().find(pose(frame, refund="number", y="multilabel"))
    assert finding.columns == ("refund",) and "in 0.0% of the rows of 'joy'" in finding.evidence


def test_test_rows_are_not_looked_at(pose):
    y = classes()
    parts = ["train"] * 200 + ["validation"] * 50 + ["test"] * 150
    code = np.where(np.arange(ROWS) < 250, "same", y)
    frame = pl.DataFrame({"noise": rng().random(ROWS), "code": code, "y": y})
    assert names(pose(frame, parts=parts, code="category")) == set()


def test_the_packaged_example_has_one(pose):
    frame = read(EXAMPLE).frame.filter(pl.col("team") != "")
    assert names(pose(frame, target="team")) == {"agent"}


@pytest.mark.shared
@needs_shared
@pytest.mark.parametrize(
    ("path", "target", "found"),
    [
        ("titanic/train.csv", "Survived", set()),
        ("california_housing/housing.csv.gz", "median_house_value", set()),
        ("bike_sharing/hour.csv.gz", "count", {"casual", "registered"}),
    ],
)
def test_real_tables(path, target, found, pose):
    assert names(pose(read(SHARED / path).frame, target=target)) == found
