"""Two versions beside each other: metrics with intervals, what their plans say differently, data, sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from tunewright.living.naming import SIGN
from tunewright.records import Changed, Compared, ComparedSlice, Score, Version, VersionDiff

_TURNED: Mapping[str, Any] = {"better": "worse", "worse": "better"}


def differ(a: Version, b: Version) -> VersionDiff:
    """Hold two versions beside each other.

    Each score is that of the version's own run, on its own test rows: where these differ, so may the scores, though the
    models do not. Only a paired comparison, if the evidence of one holds it, says which is better.
    """
    metrics = {
        part: {
            name: (a.evidence.metrics.get(part, {}).get(name), b.evidence.metrics.get(part, {}).get(name))
            for name in _union(a.evidence.metrics.get(part, {}), b.evidence.metrics.get(part, {}))
        }
        for part in _union(a.evidence.metrics, b.evidence.metrics)
    }
    rows = {
        part: (a.evidence.rows.get(part), b.evidence.rows.get(part))
        for part in _union(a.evidence.rows, b.evidence.rows)
    }
    found = VersionDiff(
        a=a,
        b=b,
        metrics=metrics,
        compared=_compared(a, b),
        plan=None if a.plan is None or b.plan is None else changed_keys(a.plan, b.plan),
        same_data=a.lineage.data == b.lineage.data if a.lineage.data and b.lineage.data else None,
        same_bundle=a.digest == b.digest,
        bytes=(a.bytes, b.bytes),
        rows=rows,
        text="",
    )
    return replace(found, text=_text(found))


def changed_keys(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Changed, ...]:
    """Keys of two plans whose values differ, dotted, in the order of the plans.

    >>> changed_keys({"seed": "0", "model": {"train": "head"}}, {"seed": "0", "model": {"train": "full"}})
    (Changed(key='model.train', a='head', b='full'),)
    """
    left, right = dict(_leaves(a)), dict(_leaves(b))
    return tuple(
        Changed(key=key, a=left.get(key), b=right.get(key))
        for key in _union(left, right)
        if left.get(key) != right.get(key)
    )


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from _leaves(value, f"{path}.{key}".lstrip("."))
    elif isinstance(tree, list | tuple):
        yield path, "[" + ", ".join("; ".join(f"{k}: {v}".lstrip(": ") for k, v in _leaves(one)) for one in tree) + "]"
    else:
        yield path, "{}" if isinstance(tree, Mapping) else str(tree)


def _union(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys((*a, *b)))


def _compared(a: Version, b: Version) -> Compared | None:
    """The latest comparison of the two that either holds, as a against b."""
    own = [one.compared for one in a.evidence.against if one.digest == b.digest]
    others = [_turned(one.compared) for one in b.evidence.against if one.digest == a.digest]
    return [*others, *own][-1] if own or others else None


def _turned(found: Compared) -> Compared:
    """The same comparison seen from the other side."""
    return replace(
        found,
        a=found.b,
        b=found.a,
        scores={name: (b, a) for name, (a, b) in found.scores.items()},
        difference=_negative(found.difference),
        verdict=_verdict(found.verdict),
        text="",
        slices=tuple(_turned_slice(one) for one in found.slices),
    )


def _turned_slice(one: ComparedSlice) -> ComparedSlice:
    return replace(
        one,
        verdict=_TURNED.get(one.verdict, one.verdict),
        difference=None if one.difference is None else _negative(one.difference),
    )


def _verdict(verdict: str) -> Literal["better", "worse", "no evidence"]:
    turned: Literal["better", "worse", "no evidence"] = _TURNED.get(verdict, verdict)
    return turned


def _negative(score: Score) -> Score:
    return Score(value=-score.value, low=-score.high, high=-score.low, n=score.n)


def _text(found: VersionDiff) -> str:
    names = [f"{one.name}{SIGN}{one.version}" for one in (found.a, found.b)]
    if found.same_bundle:
        return f"{names[0]} and {names[1]} are the same model to the byte."
    said = [_of_comparison(names, found.compared), _of_data(found.same_data), _of_plan(found.plan)]
    return " ".join(said)


def _of_comparison(names: Sequence[str], compared: Compared | None) -> str:
    if compared is None:
        return (
            "Nothing says which is better: the scores below are each on its own test rows. `tunewright compare`, given "
            f"labelled rows, holds the bundles of {names[0]} and {names[1]} to the same ones."
        )
    gap = compared.difference
    ends = f"{compared.metric} {gap.value:+.4g} ({gap.low:+.4g} to {gap.high:+.4g}, {compared.rows:,} rows)"
    if compared.verdict == "no evidence":
        return f"On the same rows nothing shows that one is better: {ends}."
    return f"On the same rows {names[0]} is {compared.verdict} than {names[1]}: {ends}."


def _of_data(same: bool | None) -> str:
    if same is None:
        return "Whether they learned from the same rows is not known."
    return "They learned from the same rows." if same else "They learned from different rows."


def _of_plan(plan: Sequence[Changed] | None) -> str:
    if plan is None:
        return "One of them came without its plan."
    if not plan:
        return "Their plans say the same."
    return f"Their plans differ in {len(plan)} key{'' if len(plan) == 1 else 's'}."
