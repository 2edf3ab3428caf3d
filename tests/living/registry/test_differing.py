"""What two versions have in common and what not; a comparison is told from whichever side it was made."""

from dataclasses import replace

import pytest

from tunewright.living.differing import changed_keys, differ
from tunewright.records import Changed, Lineage, Score, Version, VersionEvidence


def version(number, **changes):
    made = Version(
        name="m",
        version=number,
        stage="candidate",
        since=number,
        task="binary",
        target="y",
        metric="accuracy",
        digest=str(number) * 64,
        bytes=1000 * number,
        added="2026-01-01T00:00:00+00:00",
        who="ann",
        lineage=Lineage(data=(f"d{number}",)),
        evidence=VersionEvidence(
            metrics={"test": {"accuracy": Score(value=0.8 + number / 100, low=0.7, high=0.95, n=100)}},
            rows={"train": 100 * number},
        ),
        plan={"seed": "0", "model": {"train": "head"}},
    )
    return replace(made, **changes)


def test_keys_are_found_in_any_depth():
    a = {"seed": "0", "model": {"train": "head", "head": "linear"}, "knowledge": {"never_use": ["a", "b"]}}
    b = {"seed": "0", "model": {"train": "full"}, "knowledge": {"never_use": ["a"]}, "budget": {}}
    assert changed_keys(a, b) == (
        Changed(key="model.train", a="head", b="full"),
        Changed(key="model.head", a="linear", b=None),
        Changed(key="knowledge.never_use", a="[a, b]", b="[a]"),
        Changed(key="budget", a=None, b="{}"),
    )
    assert changed_keys(a, a) == ()


def test_scores_stand_beside_each_other_with_what_only_one_has():
    more = {"test": {"accuracy": Score(value=0.9, low=0.8, high=1.0, n=50)}, "validation": {}}
    found = differ(version(1), version(2, evidence=VersionEvidence(metrics=more)))
    a, b = found.metrics["test"]["accuracy"]
    assert (a.value, b.value, b.n) == (0.81, 0.9, 50)
    assert found.rows == {"train": (100, None)}
    assert found.bytes == (1000, 2000)
    assert found.plan == () and found.same_data is False and not found.same_bundle
    assert "different rows" in found.text and "Nothing says which is better" in found.text


def test_what_nobody_knows_is_not_made_up():
    found = differ(version(1, lineage=Lineage()), version(2, plan=None))
    assert found.same_data is None and found.plan is None
    assert "not known" in found.text and "without its plan" in found.text


@pytest.mark.parametrize("turned", [False, True])
def test_a_comparison_is_told_from_either_side(against, turned):
    old = version(1)
    new = version(2, evidence=VersionEvidence(against=(against(old),)))
    found = differ(old, new) if turned else differ(new, old)
    gap = found.compared.difference
    if turned:
        assert (gap.value, gap.low, gap.high, found.compared.verdict) == (-0.03, -0.05, -0.01, "worse")
        assert "m@1 is worse than m@2" in found.text
    else:
        assert (gap.value, gap.low, gap.high, found.compared.verdict) == (0.03, 0.01, 0.05, "better")
        assert "m@2 is better than m@1" in found.text


def test_the_same_bundle_is_said_to_be_so():
    assert "same model to the byte" in differ(version(1), version(2, digest="1" * 64)).text
