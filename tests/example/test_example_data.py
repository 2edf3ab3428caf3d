"""The packaged example is what its README and FAULTS.json say, checked on the raw file, by brute force if possible."""

import csv
import re
from collections import Counter, defaultdict
from datetime import datetime

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from tunewright import example

TEAMS = {
    "account_access", "app_support", "billing", "cancellations", "connectivity", "feedback",
    "integrations", "privacy", "refunds", "sales", "shipping", "warranty",
}  # fmt: skip
COLUMNS = ["message", "channel", "plan", "tenure_days", "amount", "created_at", "agent", "team"]
Row = dict[str, str]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    with example.path().open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        assert reader.fieldnames == COLUMNS
        return list(reader)


@pytest.fixture(scope="module")
def faults():
    return example.faults()


@pytest.fixture(scope="module")
def teams(rows, faults) -> list[str]:
    """The team cell of every row, spelled the usual way; wrong labels stay wrong."""
    truth = faults["label_format"]["truth"]
    return [truth.get(str(i), row["team"]) for i, row in enumerate(rows)]


@pytest.fixture(scope="module")
def copies(faults) -> set[int]:
    return {*faults["duplicates"]["rows"], *faults["near_duplicates"]["rows"]}


def shingles(text: str) -> set[str]:
    return {text[i : i + 5] for i in range(max(1, len(text) - 4))}


def jaccard(a: str, b: str) -> float:
    return len(shingles(a) & shingles(b)) / len(shingles(a) | shingles(b))


def all_jaccards(texts: list[str]) -> NDArray[np.float64]:
    """Jaccard of every pair: shared shingles are the product of the 0/1 shingle matrix with its transpose."""
    ids: dict[str, int] = {}
    sets = [sorted(ids.setdefault(s, len(ids)) for s in shingles(text)) for text in texts]
    ends = np.cumsum([0, *map(len, sets)])
    matrix = sparse.csr_matrix((np.ones(ends[-1]), np.concatenate(sets), ends), shape=(len(texts), len(ids)))
    shared = (matrix @ matrix.T).toarray()
    sizes = np.diff(ends)
    return shared / (sizes[:, None] + sizes[None, :] - shared)


def test_size_encoding_and_teams(rows, teams):
    raw = example.path().read_bytes()
    assert len(raw) < 300_000
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in raw and b"\0" not in raw
    raw.decode("utf-8")
    assert 880 <= len(rows) <= 960
    assert set(teams) == TEAMS
    assert min(Counter(teams).values()) >= 60


def test_cells_that_carry_no_planted_fault_are_sound(rows, faults):
    bad_tenure, bad_amount = set(faults["missing_values"]["rows"]), set(faults["outliers"]["rows"])
    for i, row in enumerate(rows):
        assert None not in row and None not in row.values()
        assert row["message"] == row["message"].strip() != ""
        assert row["channel"] in {"email", "chat", "form", "phone"}
        assert row["plan"] in {"free", "plus", "business"}
        created = datetime.fromisoformat(row["created_at"])
        assert "2025-03" <= row["created_at"][:7] <= "2026-02"
        assert 8 <= created.hour < 22
        if row["channel"] == "phone":
            assert created.weekday() < 5 and 9 <= created.hour < 17
        if i not in bad_tenure and row["tenure_days"]:
            assert 0 <= int(row["tenure_days"]) <= 3000
        if i not in bad_amount and row["amount"]:
            assert re.fullmatch(r"\d+\.\d\d", row["amount"])
            assert 0 < float(row["amount"]) < 10_000


def test_every_listed_row_exists_and_kinds_do_not_overlap(rows, faults):
    assert set(faults) == {
        "duplicates", "near_duplicates", "label_errors", "label_format", "missing_values", "outliers", "leakage_target"
    }  # fmt: skip
    for fault in faults.values():
        assert fault["rows"] == sorted(set(fault["rows"])) and fault["note"]
        assert set(fault["columns"]) <= set(COLUMNS) and fault["columns"]
        assert all(0 <= i < len(rows) for i in fault["rows"])
    listed = [i for fault in faults.values() for i in fault["rows"]]
    assert len(listed) == len(set(listed)) == 78


def test_duplicates_are_equal_and_all_listed(rows, faults):
    seen: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        seen[tuple(row.values())].append(i)
    groups = [group for group in seen.values() if len(group) > 1]
    assert sorted(groups) == faults["duplicates"]["groups"]
    assert sorted(later for _, later in groups) == faults["duplicates"]["rows"]
    assert len(groups) == 8


def test_near_duplicates_resemble_and_come_from_one_customer(rows, faults):
    groups = faults["near_duplicates"]["groups"]
    assert sorted(later for _, later in groups) == faults["near_duplicates"]["rows"]
    assert len(groups) == 10
    for first, later in groups:
        a, b = rows[first], rows[later]
        assert first < later
        assert 0.8 <= jaccard(a["message"], b["message"]) < 1
        assert all(a[name] == b[name] for name in ("channel", "plan", "tenure_days", "amount", "agent", "team"))


def test_no_other_messages_are_near_duplicates(rows, faults):
    """Character 5-shingles of the lower-cased messages, all pairs."""
    texts = [row["message"].lower() for row in rows]
    similar = all_jaccards(texts)
    assert similar[0, 1] == pytest.approx(jaccard(texts[0], texts[1]))
    pairs = {(int(i), int(j)) for i, j in np.argwhere(np.triu(similar, k=1) >= 0.6)}
    assert pairs == {tuple(g) for kind in ("duplicates", "near_duplicates") for g in faults[kind]["groups"]}


def test_wrong_labels_differ_from_the_truth(rows, faults):
    truth = faults["label_errors"]["truth"]
    assert [int(i) for i in truth] == faults["label_errors"]["rows"]
    assert len(truth) == 14
    for i, team in truth.items():
        assert team in TEAMS and rows[int(i)]["team"] in TEAMS - {team}


def test_misspelled_teams_are_exactly_the_listed_ones(rows, faults):
    fault = faults["label_format"]
    assert [i for i, row in enumerate(rows) if row["team"] not in TEAMS] == fault["rows"]
    assert sorted(map(int, fault["truth"])) == fault["rows"] and set(fault["truth"].values()) <= TEAMS
    for spelling, where in fault["cells"].items():
        assert len(where) <= 2
        assert {rows[i]["team"] for i in where} == {spelling}
    assert sorted(i for where in fault["cells"].values() for i in where) == fault["rows"]
    assert len(fault["rows"]) == 10


def test_missing_tenure_is_listed_unless_the_contact_asks_sales(rows, faults):
    cells = faults["missing_values"]["cells"]
    assert set(cells) == {"", "-1", "9999999"} and len(cells[""]) == 25
    for value, where in cells.items():
        found = [i for i, row in enumerate(rows) if row["tenure_days"] == value and row["team"] != "sales"]
        assert found == where
    assert sorted(i for where in cells.values() for i in where) == faults["missing_values"]["rows"]


def test_impossible_amounts_are_all_listed(rows, faults):
    fault = faults["outliers"]
    amounts = {i: float(row["amount"]) for i, row in enumerate(rows) if row["amount"]}
    assert [i for i, amount in amounts.items() if not 0 <= amount < 100_000] == fault["rows"]
    assert {v: [i for i in fault["rows"] if rows[i]["amount"] == v] for v in fault["cells"]} == fault["cells"]
    assert all(0 < float(before) < 10_000 for before in fault["truth"].values())


def test_agent_alone_gives_the_team_away(rows, teams, faults):
    """Majority team of each agent, counted on four fifths of the rows and applied to the fifth."""
    assert faults["leakage_target"]["columns"] == ["agent"]
    agents = np.array([row["agent"] for row in rows])
    labels = np.array(teams)
    right = 0
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(agents, labels):
        majority = {a: Counter(labels[train][agents[train] == a]).most_common(1)[0][0] for a in set(agents[train])}
        right += sum(majority.get(agent) == label for agent, label in zip(agents[test], labels[test]))
    assert 0.9 < right / len(rows) < 1
    assert 20 <= len(set(agents)) <= 30


def test_no_phrase_recurs(rows):
    holders: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        words = re.findall(r"\w+", row["message"].lower())
        holders.update(set(zip(words, words[1:], words[2:], words[3:])))
    (_, most), *_ = holders.most_common(1)
    assert most <= 0.01 * len(rows)


@pytest.mark.parametrize(
    ("pattern", "example_of_it"),
    [
        (r"[\w.+-]+@[\w-]+\.\w+", "someone@example.org"),
        (r"(?:\d[ ./()-]?){7,}", "+49 170 1234567"),
        (r"(?:\d{4}[ -]?){3,}", "4111 1111 1111 1111"),
        (r"\b[A-Z]{2}\d{2}[ ]?\w{4}[ ]?\d{4}", "DE02 1203 0000"),
    ],
)
def test_no_contact_or_payment_details(rows, pattern, example_of_it):
    assert re.search(pattern, example_of_it)
    assert [i for i, row in enumerate(rows) if re.search(pattern, row["message"])] == []


def test_the_task_is_neither_trivial_nor_hopeless(rows, teams, copies):
    kept = [i for i in range(len(rows)) if i not in copies]
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(solver="newton-cg"))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    scores = cross_val_score(model, [rows[i]["message"] for i in kept], [teams[i] for i in kept], cv=folds)
    assert 0.75 <= scores.mean() <= 0.93
