"""Labels spelled in several ways, as findings."""

import polars as pl
import pytest

from tunewright.detectors.label_format import LabelFormat, label_variants

WORDS = ["refunds", "shipping", "account_access"]


def table(labels):
    return pl.DataFrame({"text": [f"message {i} of some words about {i % 7}" for i in range(len(labels))], "y": labels})


def spelled(n=120, **changes):
    labels = [WORDS[i % 3] for i in range(n)]
    for row, label in changes.items():
        labels[int(row[1:])] = label
    return table(labels)


def test_variants_and_slips_are_two_findings_with_their_rows(pose):
    found = LabelFormat().find(pose(spelled(r0="Refunds", r4="SHIPPING ", r5="account access", r12="refund")))
    certain, likely = found
    assert certain.rows == (0, 4, 5) and certain.severity == "warning" and certain.remedy == "unify_spellings"
    assert certain.groups == ((5,), (0,), (4,)) and "3 classes too many" in certain.evidence
    assert "'Refunds' (1) for 'refunds' (38)" in certain.evidence
    assert likely.rows == (12,) and "slip of the pen" in likely.evidence and "if so" in likely.evidence


def test_clean_labels_have_no_finding(pose):
    assert LabelFormat().find(pose(spelled())) == ()


def test_what_reading_unifies_anyway_is_only_worth_knowing(pose):
    (finding,) = LabelFormat().find(pose(spelled(r0="refunds ", r4=" shipping")))
    assert finding.severity == "info" and finding.rows == (0, 4) and finding.remedy == "unify_spellings"
    assert finding.evidence.endswith("they are read as one.")


def test_labels_of_the_test_part_are_told_by_the_usual_spelling_of_the_others(pose):
    parts = ["train", "train", "validation", "test"] * 30
    labels = [WORDS[i % 3] for i in range(120)]
    labels = [label.upper() if parts[i] == "test" else label for i, label in enumerate(labels)]
    (finding,) = LabelFormat().find(pose(table(labels), parts=parts))
    assert finding.rows == tuple(range(3, 120, 4))
    assert "'REFUNDS' (10) for 'refunds' (30)" in finding.evidence


def test_a_class_that_only_the_test_part_has_is_no_slip_when_it_is_frequent(pose):
    parts = ["train"] * 90 + ["test"] * 30
    labels = [WORDS[i % 3] for i in range(90)] + ["refund"] * 20 + ["shipping"] * 10
    assert LabelFormat().find(pose(table(labels), parts=parts)) == ()


@pytest.mark.parametrize("as_lists", [False, True])
def test_several_labels_per_row(pose, as_lists):
    cells = ["joy|anger", "joy", "fear|anger", "fear", "Joy|fear", "anger|joy"] * 20
    cells[4::6] = ["joy|fear"] * 20
    cells[10], cells[17] = "JOY|fear", "anger|Fear"
    labels = [cell.split("|") for cell in cells] if as_lists else cells
    (finding,) = LabelFormat().find(pose(table(labels)))
    assert finding.rows == (10, 17) and "'Fear' (1) for 'fear'" in finding.evidence


def test_blanks_after_the_comma_are_a_habit(pose):
    cells = ["joy, anger", "joy", "fear, anger", "fear", "joy, fear", "anger"] * 20
    assert LabelFormat().find(pose(table(cells), y="multilabel")) == ()


def test_numbers_have_no_spelling(pose):
    frame = pl.DataFrame({"text": [f"some words number {i}" for i in range(60)], "y": [float(i) for i in range(60)]})
    assert LabelFormat().find(pose(frame)) == ()
    assert LabelFormat().find(pose(frame.with_columns(y=pl.Series([i % 2 for i in range(60)])))) == ()


def test_evidence_names_five_spellings_and_cuts_long_ones(pose):
    long = "a very long label that says much more than a label should say at all"
    labels = [f"{WORDS[i % 3]}" for i in range(240)] + [long] * 20
    for row, way in enumerate(["Refunds", "REFUNDS", "refunds.", "Shipping", "SHIPPING", "shipping."]):
        labels[row] = way
    labels[-1] = long.upper()
    (finding,) = LabelFormat().find(pose(table(labels)))
    assert finding.evidence.count(" for ") == 5 and "and 2 more" in finding.evidence
    assert long.upper() not in finding.evidence


def test_the_remedy_shares_the_function():
    assert label_variants({"a b": 3, "A_b": 1}) == {"A_b": "a b"}
