"""What a bundle and the run it lies in say of a model: task, metrics with intervals, digests, plan, slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.errors import ModelError, RunError, TunewrightError
from tunewright.living.copies import bundle_digest
from tunewright.planfile import read_yaml
from tunewright.records import Against, Lineage, Slices, VersionEvidence, from_json
from tunewright.records.score import TaskKind
from tunewright.runfolder import RunFolder, read_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What is known of a model before it has a version.

    Args:
        bundle: its folder.
        digest: of the bundle, all of which was held to it.
        task: kind of task.
        target: the column it predicts.
        metric: the metric its run was after.
        lineage: without a parent.
        evidence: of its run, as far as the bundle lies in one.
        plan: of its run, values as text; None without a run.
    """

    bundle: Path
    digest: str
    task: TaskKind
    target: str
    metric: str
    lineage: Lineage
    evidence: VersionEvidence
    plan: Mapping[str, Any] | None


def gather(path: Path) -> Gathered:
    """Look at a bundle, or at the bundle of a run folder; every file is held to its digest, nothing is loaded.

    Raises:
        ModelError: not a bundle, or a file in it is missing or was changed.
    """
    from tunewright.bundle.reading import ABOUT, check_sums

    bundle = bundle_of(path)
    check_sums(bundle)
    about = read_json(bundle / ABOUT)
    run = _run_of(bundle, about)
    try:
        table = about["preprocessing"]["table"]
        return Gathered(
            bundle=bundle,
            digest=bundle_digest(bundle),
            task=table["task"],
            target=str(table["target"]),
            metric=str(about["metric"]),
            lineage=Lineage(
                data=tuple(digest for digest in [about.get("data_fingerprint")] if digest),
                plan=about.get("plan_digest"),
                weights=about.get("weights_digest"),
                run=None if run is None else str(run.path.resolve()),
            ),
            evidence=VersionEvidence() if run is None else _evidence(run),
            plan=None if run is None else plan_of(run),
        )
    except (KeyError, TypeError) as problem:
        raise ModelError(
            f"A bundle's {ABOUT} must say what the model reads and predicts. That of {bundle} does not "
            f"({type(problem).__name__}: {problem}). Take the bundle from the run again."
        ) from problem


def bundle_of(path: Path) -> Path:
    """The bundle of a run folder; anything else is taken for a bundle itself."""
    return RunFolder(path).bundle if RunFolder(path).journal.is_file() else path


def plan_of(run: RunFolder) -> Mapping[str, Any] | None:
    """The resolved plan of a run, values as text; None where it cannot be read."""
    try:
        tree, problems = read_yaml(run.plan_yaml.read_text("utf-8"))
    except OSError:
        return None
    return tree if isinstance(tree, Mapping) and not problems else None


def known_slices(run: RunFolder) -> tuple[str, ...]:
    """Conditions of the slices in which a run's model errs most; those that quote cells only where the plan shows rows.

    Slices whose labels are in doubt are left out: more labels of that kind would not help.
    """
    try:
        told = read_json(run.analysis_json).get("slices")
    except (RunError, AttributeError):
        return ()
    if not told:
        return ()
    found = from_json(Slices, told).found
    shown = (plan_of(run) or {}).get("report", {}).get("examples", "true") != "false"
    return tuple(
        one.condition for one in found if one.condition and (shown or not one.quotes) and one.action != "inspect labels"
    )


def better_than(evidence: VersionEvidence, digest: str) -> Against | None:
    """The comparison that shows a version to be better than the model with that bundle digest, if there is one."""
    found: Sequence[Against] = [one for one in evidence.against if one.digest == digest]
    return next((one for one in reversed(found) if one.compared.verdict == "better"), None)


def _run_of(bundle: Path, about: Mapping[str, Any]) -> RunFolder | None:
    """The run that made a bundle, where it lies in that run's folder still."""
    run = RunFolder(bundle.resolve().parent)
    try:
        weights = read_json(run.summary_json)["digests"]["weights"]
    except (TunewrightError, KeyError, TypeError):
        return None
    return run if weights == about.get("weights_digest") else None


def _evidence(run: RunFolder) -> VersionEvidence:
    summary = read_json(run.summary_json)
    told = {
        "metrics": summary["metrics"],
        "rows": {part: summary["data"][part] for part in ("train", "validation", "test")},
        "verdict": summary["verdict"]["text"],
        "slices": known_slices(run),
    }
    return from_json(VersionEvidence, told)
