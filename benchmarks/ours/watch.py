"""A bystander inside a run: looks at the test rows when the probe stands and after every epoch, outside the timing.

For benchmarks only. What it sees goes nowhere but into the answer: nothing is chosen, stopped or kept by it, and its
time is counted as `paused`.
"""

from __future__ import annotations

import os
import resource
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from tunewright.learning import finetune, fit
from tunewright.models.outputs import predict_outputs
from tunewright.plan import read_plan
from tunewright.stories.run import run_story
from tunewright.stories.walk import Request


def walk(plan, folder, **more):
    """Walk the whole road with these sections of a plan; returns the run's summary."""
    request = Request(plan=read_plan(None, **plan), out=Path(folder) / "run", **more)
    return run_story(request)[1]


class Watch:
    """Stands beside `fit` and `train` while its `with` block lasts.

    Args:
        look: whether to look at the test rows; otherwise it only remembers what passed through.
    """

    def __init__(self, *, look: bool) -> None:
        self.look = look
        self.started, self.paused = float(os.environ["BENCH_STARTED"]), 0.0
        self.curve = []
        self.judging = self.fitted = self.training = self.recipe = None
        self.peak_mb, self.precision = 0.0, ""
        self._real = fit.fit, finetune.train

    def __enter__(self) -> Watch:
        fit.fit, finetune.train = self._fit, self._train
        return self

    def __exit__(self, *failure: object) -> None:
        fit.fit, finetune.train = self._real

    def add(self, outputs, validation: float) -> None:
        """Note a point of the curve: which test rows the model would get right now."""
        seconds = time.time() - self.started - self.paused
        right = outputs().argmax(1) == self.judging.problem.targets["test"]
        self.paused += time.time() - self.started - self.paused - seconds
        text = "".join("01"[int(one)] for one in right)
        point = {"seconds": seconds, "validation": validation, "accuracy": float(right.mean()), "right": text}
        self.curve.append(point)

    def _fit(self, judging, *args, **kwargs):
        self.judging = judging
        self.fitted = fitted = self._real[0](judging, *args, **kwargs)
        if self.look:
            self.add(lambda: fitted.outputs["test"], max(fitted.trained.candidates.values()))
        return fitted

    def _train(self, network, training, validation, recipe, *, start, around):
        self.training, self.recipe = training, recipe
        if network.encoder is not None:
            self.precision = str(next(network.encoder.parameters()).dtype).removeprefix("torch.")

        device = around.device

        def see(metric: float) -> None:
            test = self.judging.problem.inputs["test"]
            self.add(lambda: predict_outputs(network, test, device=device), metric)

        judge_validation = around.judge

        def judge(outputs: np.ndarray) -> float:
            metric = judge_validation(outputs)
            see(metric)
            return metric

        if self.look:
            see(start.metric)
            around = replace(around, judge=judge)
        state = self._real[1](network, training, validation, recipe, start=start, around=around)
        self.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return state
