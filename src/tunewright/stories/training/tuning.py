"""The search station: from a plan's space to the plan with the values that won."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tunewright.plan import Plan, with_values
from tunewright.records import Split, Study, Table
from tunewright.remote.cluster import connected, room_for
from tunewright.runfolder.context import RunContext
from tunewright.search import Dimension
from tunewright.search.course import Setup
from tunewright.search.naming import read_space
from tunewright.search.ray_runner import OnRay
from tunewright.search.study import run_study
from tunewright.stories.placing.luggage import packed
from tunewright.stories.prepare import Prepared
from tunewright.stories.training.crossval import folds_of
from tunewright.stories.training.trials import Trials

TRAINED = ("layers:2", "full")
TEXT_SPACE = (
    Dimension(name="model.train", choices=("head", *TRAINED)),
    Dimension(name="training.learning_rate", low=3e-5, high=1e-3, log=True, when={"model.train": TRAINED}),
    Dimension(name="training.epochs", low=2, high=6, whole=True, when={"model.train": TRAINED}),
    Dimension(name="training.dropout", choices=(0.0, 0.1), when={"model.train": TRAINED}),
    Dimension(name="training.label_smoothing", choices=(0.0, 0.1), when={"model.train": TRAINED}),
    Dimension(name="training.probe_C", low=0.3, high=100, log=True),
)
TABLE_SPACE = (
    Dimension(name="model.head", choices=("linear", "mlp")),
    Dimension(name="preprocess.numbers", choices=("robust", "standard", "quantile")),
    Dimension(name="training.learning_rate", low=3e-4, high=1e-2, log=True, when={"model.head": ("mlp",)}),
    Dimension(name="training.head_dropout", choices=(0.0, 0.1, 0.3), when={"model.head": ("mlp",)}),
    Dimension(name="training.weight_decay", low=1e-3, high=1.0, log=True, when={"model.head": ("mlp",)}),
    Dimension(name="training.probe_C", low=0.01, high=100, log=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What a search gave: the plan with the values that won, and the study; no study where none was asked for."""

    plan: Plan
    study: Study | None = None


def search(prepared: Prepared, plan: Plan, run: RunContext) -> Searched:
    """Search as far as the plan wants that.

    Raises:
        PlanError: the budget is too small for one trial.
        TrainingError: every trial failed.
    """
    if plan.search.strategy == "none":
        return Searched(plan=plan)
    dimensions = read_space(plan.search.space, Plan)[0] or default_space(prepared.table)
    trials = Trials(prepared, plan, run, _splits(prepared, plan))
    standard = trials.standard(dimensions)
    setup = Setup(
        dimensions=dimensions,
        standard={one.name: standard[one.name] for one in dimensions if one.name in standard and one.holds(standard)},
        metric=prepared.objective.metric,
        sign=trials.sign,
        seed=plan.seed,
        minutes=plan.budget.minutes,
    )
    study = _studied(trials, setup, plan, run)
    run.tell("search", f"Best of {len(study.trials)}: {study.metric} {study.best.score:.4f} on validation.")
    return Searched(plan=with_values(plan, study.best.params), study=study)


def _studied(trials: Trials, setup: Setup, plan: Plan, run: RunContext) -> Study:
    """Run the study here, or with its trials on a cluster."""
    if run.on is None:
        elsewhere = trials.elsewhere() if plan.search.workers > 1 else None
        return run_study(trials, setup, plan.search, run, elsewhere=elsewhere)
    workers = plan.search.workers
    with connected(run.on) as ray:
        room = room_for(ray.nodes(), workers)
        run.tell("search", f"On the cluster, {workers} trials at a time, each with {room.cpus} CPUs.")
        with OnRay(ray, trials.elsewhere(), workers, room, packed(plan)) as runner:
            return run_study(trials, setup, plan.search, run, runner=runner)


def default_space(table: Table) -> tuple[Dimension, ...]:
    """What is worth searching where the plan names nothing: how much trains and how fast, or how a table is read."""
    text = bool(table.features("text") or table.pair)
    mixed = text and any(c.role == "feature" and c.kind not in ("text", "ignore") for c in table.columns)
    if not text:
        return TABLE_SPACE
    heads = (Dimension(name="model.head", choices=("linear", "mlp")),) if mixed else ()
    means_nothing = {"training.label_smoothing"} if table.task == "regression" else set[str]()
    return tuple(one for one in (*TEXT_SPACE, *heads) if one.name not in means_nothing)


def _splits(prepared: Prepared, plan: Plan) -> list[Split]:
    """The run's own split, or its folds: then a trial is scored on all rows that are not test rows."""
    if plan.splits.folds == 1:
        return [prepared.split]
    # What is held out of a fold is what judges a trial; what the recipe itself would choose on learns along.
    return [
        replace(one, train=(*one.train, *one.validation), validation=one.test, test=())
        for one in folds_of(prepared, plan)
    ]
