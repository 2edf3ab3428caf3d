"""Which rows hang together, and what is reported of them."""

import numpy as np
import polars as pl
import pytest

from tunewright.errors import PlanError
from tunewright.records import Column, Finding, Table
from tunewright.splits.clusters import Clusters, clusters


def table(rows: int, **kinds: str) -> Table:
    columns = tuple(Column(name=name, kind=kind, role="feature", why="test") for name, kind in kinds.items())  # type: ignore[arg-type]
    return Table(rows=rows, columns=columns, fingerprint="", target="y", task="binary", task_why="")


def of_texts(texts: list[str | None], **more: list[object]) -> Clusters:
    frame = pl.DataFrame({"text": pl.Series(texts, dtype=pl.String), **more})
    return clusters(frame, table(len(texts), text="text"), group=next(iter(more), None))


def kinds(found: Clusters) -> dict[str, Finding]:
    return {finding.kind: finding for finding in found.findings}


UNLIKE = [
    "The screen of my laptop stays dark",
    "How long does delivery to Norway take?",
    "Cancel the yearly subscription",
    "I was charged twice for one ticket",
    "Your driver was very kind",
]


def test_copies_and_near_copies_share_a_label() -> None:
    found = of_texts([*UNLIKE, UNLIKE[0], UNLIKE[1].upper() + " ", UNLIKE[3] + "!"])
    assert found.labels.tolist() == [0, 1, 2, 3, 4, 0, 1, 3]
    exact, near = kinds(found)["duplicates"], kinds(found)["near_duplicates"]
    assert (exact.rows, exact.groups, exact.rows_total) == ((5,), ((0, 5),), 1)
    assert (near.rows, near.groups) == ((6, 7), ((1, 6), (3, 7)))
    assert near.scores[0] == 1.0 and 0.8 <= near.scores[1] < 1.0
    assert near.score == near.scores[0]


def test_findings_hold_no_text_of_the_rows() -> None:
    found = of_texts([*UNLIKE, UNLIKE[0], UNLIKE[3] + "!"])
    assert len(found.findings) == 2
    for finding in found.findings:
        assert not any(word in finding.evidence for text in UNLIKE for word in text.split() if len(word) > 5)


def test_unlike_texts_and_empty_texts_stand_alone() -> None:
    found = of_texts([*UNLIKE, None, "", "  ", None])
    assert found.labels.tolist() == list(range(9))
    assert found.findings == ()


def test_rows_with_equal_text_but_other_values_are_near_duplicates_not_duplicates() -> None:
    frame = pl.DataFrame({"text": [UNLIKE[0], UNLIKE[0], UNLIKE[1]], "n": [1, 2, 2]})
    found = clusters(frame, table(3, text="text", n="number"))
    assert found.labels.tolist() == [0, 0, 1]
    assert list(kinds(found)) == ["near_duplicates"]


def test_a_crowd_is_reported_and_only_its_exact_copies_stay_together() -> None:
    template = [f"Dear customer, your order {i} was shipped and arrives tomorrow before noon" for i in range(30)]
    found = of_texts([*template, template[4], *UNLIKE])
    assert found.labels[30] == found.labels[4]
    assert np.unique(found.labels).size == 35
    crowd = next(finding for finding in found.findings if "template" in finding.evidence)
    assert crowd.kind == "near_duplicates" and crowd.rows_total == 31
    assert "31" in crowd.evidence


def test_ten_near_copies_are_not_a_crowd_yet() -> None:
    template = [f"Dear customer, your order {i} was shipped and arrives tomorrow before noon" for i in range(10)]
    assert np.unique(of_texts(template).labels).size == 1


def test_groups_join_rows_and_their_copies() -> None:
    found = of_texts([*UNLIKE, UNLIKE[0]], who=["a", "b", "b", None, None, "c"])
    assert found.labels.tolist() == [0, 1, 1, 2, 3, 0]
    assert found.copies.tolist() == [0, 1, 2, 3, 4, 0]
    assert found.groups[1] == found.groups[2] and found.groups[3] != found.groups[4]


def test_a_text_that_everybody_writes_does_not_chain_all_groups() -> None:
    texts = [text for i in range(40) for text in ("Thank you very much", f"{'abcdefghij'[i % 10] * 3} {i * 7919} {i}")]
    found = of_texts(texts, who=[i // 2 for i in range(80)])
    assert found.labels.tolist() == [i // 2 for i in range(80)]
    chained = [finding for finding in found.findings if finding.columns == ("who",)]
    assert len(chained) == 1 and chained[0].rows_total == 80


def test_a_group_may_be_larger_than_a_crowd() -> None:
    found = of_texts([*UNLIKE * 1, *[f"{i * 7919}" for i in range(30)]], who=[*"abcde", *["f"] * 30])
    assert found.labels.tolist() == [0, 1, 2, 3, 4, *[5] * 30]


def test_without_text_equal_feature_rows_are_copies() -> None:
    frame = pl.DataFrame({"n": [1.5, 2.0, 1.5, None, None], "c": ["x", "y", "x", "z", "z"], "y": list("abaab")})
    found = clusters(frame, table(5, n="number", c="category"))
    assert found.labels.tolist() == [0, 1, 0, 2, 2]
    assert kinds(found)["duplicates"].groups == ((0, 2), (3, 4))


def test_few_distinct_values_are_a_coincidence() -> None:
    frame = pl.DataFrame({"flag": [i % 2 == 0 for i in range(60)]})
    found = clusters(frame, table(60, flag="boolean"))
    assert np.unique(found.labels).size == 60
    (crowd,) = found.findings
    assert crowd.kind == "duplicates" and "coincidence" in crowd.evidence


def test_a_group_column_must_exist() -> None:
    with pytest.raises(PlanError, match=r"splits\.group must name a column"):
        clusters(pl.DataFrame({"text": ["a"]}), table(1, text="text"), group="client")


@pytest.mark.parametrize("texts", [[], ["one"]])
def test_no_row_and_one_row(texts: list[str]) -> None:
    found = of_texts([*texts])
    assert found.labels.tolist() == list(range(len(texts)))
    assert found.findings == ()


def test_lone_rows_of_a_cut_crowd_keep_their_exact_copies_together() -> None:
    texts = ["Thank you very much"] * 30
    found = of_texts(texts, who=[*([1] * 5), *([2] * 5), *([None] * 20)])
    assert found.labels.tolist() == [0] * 5 + [1] * 5 + [2] * 20
