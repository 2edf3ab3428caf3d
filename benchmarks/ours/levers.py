"""Ours: fits of one set and seed, each with one lever of training; what each answers for the test rows.

Keys of the configuration: `jobs`, each with `plan` (sections of the plan), `cold` (whether the head starts from noise,
not the probe) and `out` (the file that its answer is written to as soon as it is there). One JSON line out: how many.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from common import yardstick

from tunewright.learning import fit as fit_module
from tunewright.plan import read_plan
from tunewright.runfolder.context import RunContext
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training.station import judge

SPREAD = 0.02  # standard deviation of a head's first weights in BERT and its kin


def cold_probe(fit_probe_of):
    """The probe's place filled with noise, judged for what it is."""

    def made(judging, frozen, *, strength, settled=None):
        probe = fit_probe_of(judging, frozen, strength=strength, settled=settled)
        rng = np.random.default_rng(judging.problem.seed)
        weight = rng.normal(0.0, SPREAD, probe.weight.shape).astype(probe.weight.dtype)
        noise = replace(probe, weight=weight, bias=np.zeros_like(probe.bias))
        return replace(noise, metric=judging.judge(noise.outputs(frozen["validation"])))

    return made


def fitted_with(job, prepared):
    """Fit with a job's plan, from the probe or from noise."""
    judging, choices = judge(prepared, read_plan(None, **job["plan"]))
    usual = fit_module.fit_probe_of
    fit_module.fit_probe_of = cold_probe(usual) if job["cold"] else usual
    try:
        return judging.problem, fit_module.fit(judging, choices, RunContext())
    finally:
        fit_module.fit_probe_of = usual


def answer(job, prepared):
    """What one fit gives."""
    yard = yardstick()
    problem, fitted = fitted_with(job, prepared)
    trained = fitted.trained
    outcome = problem.task.outcome(problem.targets["test"], fitted.outputs["test"], fitted.model.decision)
    return {
        "task": outcome.task,
        "classes": outcome.classes,
        "truth": outcome.truth.tolist(),
        "said": outcome.labels.tolist(),
        "validation": max(value for name, value in trained.candidates.items() if name in ("fine-tuned", "averaged")),
        "kept": "averaged" if trained.averaged else trained.kept,
        "epochs": len(trained.history) - 1,
        "precision": trained.precision,
        "rows": len(problem.targets["train"]),
        "seconds": trained.seconds["fine-tune"],
        "yardstick_ms": yard,
    }


def main(config):
    """Do the jobs, one after the other; all are of the same rows."""
    plan = read_plan(None, **config["jobs"][0]["plan"])
    prepared = prepare(load_rows(plan), plan)
    for job in config["jobs"]:
        told = json.dumps(answer(job, prepared))
        temporary = Path(job["out"]).with_suffix(".tmp")
        temporary.write_text(told)
        os.replace(temporary, job["out"])
    print(json.dumps({"jobs": len(config["jobs"])}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
