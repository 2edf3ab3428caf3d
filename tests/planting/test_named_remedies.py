"""Every remedy that a finding names exists, and acts on what was found."""

from dataclasses import replace

import numpy as np
import pytest

from tunewright.data import conform, describe
from tunewright.detectors import Rows, detect
from tunewright.features.options import PreprocessOptions
from tunewright.planting import FAULTS
from tunewright.records import Split
from tunewright.remedies import REMEDIES, REPAIRS, Evidence, Material, list_repairs
from tunewright.splits.clusters import clusters

KINDS = {remedy.kind: remedy for remedy in REMEDIES}


def posed(frame, target, parts=None):
    """Rows as an audit sees them, with what reading puts right."""
    parts = parts or (["train", "train", "validation", "test"] * frame.height)[: frame.height]
    labelled = frame[target].is_not_null().to_list()
    split = Split(
        **{p: tuple(r for r in range(frame.height) if parts[r] == p and labelled[r]) for p in set(parts) - {""}},
        how="given",
    )
    seen = sorted((*split.train, *split.validation))
    table = describe(frame[seen], target=target, pair="none", unify=True)
    typed = conform(frame, table, require_target=True)
    return Rows(raw=frame, typed=typed, table=table, split=split, clusters=clusters(typed, table))


def repairs_of(rows, preprocess=None):
    return list_repairs(
        rows.raw, rows.typed, table=rows.table, preprocess=preprocess or PreprocessOptions(), used=rows.used
    )


def material_of(rows):
    return Material(
        typed=rows.typed, table=rows.table, split=rows.split, preprocess=PreprocessOptions(), balance="auto"
    )


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_remedy_that_is_named_exists_and_acts(fault, make):
    for name in ("mixed", "texty", "labels", "pounds"):
        frame, about = make(name)
        planted = fault.plant(frame, about, np.random.default_rng(3))
        if planted is None:
            continue
        rows = posed(planted.frame, about.target)
        found = (*rows.clusters.findings, *detect(rows))
        evidence, listed = Evidence(findings=found, learned=None), repairs_of(rows)
        for finding in found:
            remedy = finding.remedy
            assert remedy is None or remedy in KINDS or remedy in REPAIRS
            if remedy is None or set(finding.rows) <= set(rows.split.test):
                continue
            done = any(one.remedy == remedy and one.column in finding.columns for one in listed)
            alone = replace(evidence, findings=(finding,))
            tried = remedy in KINDS and (
                KINDS[remedy].apply(material_of(rows), alone) is not None
                or not set(finding.rows) & set(rows.split.train)
            )
            assert done or tried, (name, finding)
