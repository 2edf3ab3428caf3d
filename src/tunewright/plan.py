"""The plan: every stage's options in one record, read from YAML, from Python values and from `--set` options."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from tunewright.data.options import AuditOptions, DataOptions, KnowledgeOptions
from tunewright.errors import PlanError
from tunewright.features.options import PreprocessOptions
from tunewright.metrics import canonical
from tunewright.models.options import ModelOptions
from tunewright.objective import ObjectiveOptions
from tunewright.planfile import (
    Problem,
    apply_overrides,
    as_tree,
    between,
    convert,
    lies_at,
    merge,
    name_overrides,
    plan_error,
    read_yaml,
    show,
    write_yaml,
)
from tunewright.records import BalanceKind, to_json
from tunewright.remote import has_secrets, is_url, redacted, shown
from tunewright.search import BudgetOptions, ImproveOptions, SearchOptions
from tunewright.search.naming import nested, read_space
from tunewright.splits.options import SplitOptions
from tunewright.training.augment import make_augmentation, why_idle
from tunewright.training.levers import idle_levers
from tunewright.training.options import AugmentOptions, TrainingOptions

_LONGEST_FILE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """What the report may show.

    Args:
        examples: whether raw rows of the data (the worst mistakes) stand in the report.

    >>> ReportOptions().examples
    True
    """

    examples: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All options of a run; every one has a default, and the resolved plan alone repeats the run.

    Args:
        data: where the rows are and what the columns mean.
        objective: what decides, and what is asked for.
        knowledge: what the domain expert knows.
        audit: what follows from what is found wrong with the data.
        preprocess: how cells become features.
        balance: what is done about classes of unequal size: nothing, weights in the loss, resampling, adjusted logits;
            auto: what the metric asks for.
        augment: how train rows are changed anew in every epoch of fine-tuning: nothing, tokens left out, words swapped,
            rows mixed; auto: nothing, unless the audit has shown a gain.
        splits: how rows are parted.
        model: which backbone, and what of it trains.
        training: how the weights are moved.
        search: how hyperparameters are searched for.
        budget: what a search, improvement after it, and `model.train: auto` may cost.
        improve: rounds of trying to do better.
        report: what the report may show.
        seed: of everything that draws random numbers, 0 <= seed < 2^32.

    >>> Plan(seed=1).digest() == Plan(seed=1).digest() != Plan().digest()
    True
    """

    data: DataOptions = field(default_factory=DataOptions)
    objective: ObjectiveOptions = field(default_factory=ObjectiveOptions)
    knowledge: KnowledgeOptions = field(default_factory=KnowledgeOptions)
    audit: AuditOptions = field(default_factory=AuditOptions)
    preprocess: PreprocessOptions = field(default_factory=PreprocessOptions)
    balance: BalanceKind = "auto"
    augment: AugmentOptions = field(default_factory=AugmentOptions)
    splits: SplitOptions = field(default_factory=SplitOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    search: SearchOptions = field(default_factory=SearchOptions)
    budget: BudgetOptions = field(default_factory=BudgetOptions)
    improve: ImproveOptions = field(default_factory=ImproveOptions)
    report: ReportOptions = field(default_factory=ReportOptions)
    seed: int = field(default=0, metadata={"check": between(0, 2**32, ends="[)")})

    def to_yaml(self) -> str:
        """The whole plan as YAML text, which `read_plan` reads back to an equal plan.

        >>> read_plan(Plan(seed=7).to_yaml()) == Plan(seed=7)
        True
        """
        return write_yaml(self)

    def digest(self) -> str:
        """SHA-256 (hex) of the plan's canonical JSON: equal for plans of equal meaning, however they were written.

        Raises:
            PlanError: the plan breaks its own rules.
        """
        same = read_plan(None, **{f.name: getattr(self, f.name) for f in fields(self)})
        canon = json.dumps(to_json(same), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canon.encode()).hexdigest()


def read_plan(source: str | os.PathLike[str] | None = None, overrides: Sequence[str] = (), **values: Any) -> Plan:
    """Read a plan and check all of it.

    Args:
        source: YAML text (a str), a YAML file (a `Path`, or a URL), or None for the defaults.
        overrides: `key.path=value` options, put over everything else, later ones last.
        **values: sections and keys of the plan as Python values, put over the source: `training={"epochs": 2}`.

    Raises:
        PlanError: lists all problems, each with its path, what must hold, what we got and what to do.

    >>> plan = read_plan("data: {train: a.csv, target: team}", ["training.epochs=2"], seed=3)
    >>> plan.data.target, plan.training.epochs, plan.seed
    ('team', 2, 3)
    """
    text, name = _text(source)
    tree, problems = read_yaml(text)
    if isinstance(tree, str | list):
        problems.append(
            Problem(path="", text=f"must be sections with keys. Got {show(tree)}. Hand in a file as a Path.")
        )
    tree = merge(tree if isinstance(tree, dict) else {}, as_tree(values))
    tree, wrong_options, set_by = apply_overrides(tree, overrides)
    plan, wrong_values = convert(Plan, tree)
    # A wrong place holds its default meanwhile, which no rule should speak of.
    spoilt = {problem.path for problem in wrong_values}
    broken = [p for p in _broken_rules(plan) if not any(lies_at(p.path, path) for path in spoilt)]
    found = [*problems, *wrong_options, *name_overrides([*wrong_values, *broken], set_by)]
    if found:
        # A refused URL may hold a password, and the option it came from is quoted.
        raise plan_error([replace(one, text=redacted(one.text)) for one in found], source=name)
    return plan


def with_values(plan: Plan, values: Mapping[str, float | str]) -> Plan:
    """The plan with other values at some paths.

    Raises:
        PlanError: a path that is none, or values that break a rule of the plan.

    >>> with_values(Plan(), {"training.epochs": 2, "model.train": "head"}).training.epochs
    2
    """
    sections = {declared.name: as_tree(getattr(plan, declared.name)) for declared in fields(plan)}
    return read_plan(None, **merge(sections, nested(values)))


def _text(source: str | os.PathLike[str] | None) -> tuple[str, str]:
    """The YAML, and what it is called in an error."""
    if source is None:
        return "", "The plan"
    if is_url(source):
        return _read_url(source), f"The plan {shown(source)}"
    return (source, "The plan") if isinstance(source, str) else (_read_file(Path(source)), f"The plan {source}")


def _read_url(url: str) -> str:
    from tunewright.remote.files import read_url

    data = read_url(url, what="A plan at a URL must be readable.", raising=PlanError, limit=_LONGEST_FILE)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PlanError(f"{shown(url)} must be UTF-8. Got byte {error.start + 1} that is not. Save it so.") from error


def _read_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST_FILE + 1)
        if len(data) > _LONGEST_FILE:
            raise PlanError(f"{path} must be a plan of at most {_LONGEST_FILE:,} bytes. Got more. Check the path.")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise PlanError(f"{path} must be a readable plan. Got: {error.strerror or error}. Check the path.") from error
    except UnicodeDecodeError as error:
        raise PlanError(f"{path} must be UTF-8. Got byte {error.start + 1} that is not. Save it as UTF-8.") from error


def _broken_rules(plan: Plan) -> Iterator[Problem]:
    """What no field can say alone."""
    for rule in _RULES:
        for path, text in rule(plan):
            yield Problem(path=path, text=text)


def _shares_leave_rows(plan: Plan) -> Iterator[tuple[str, str]]:
    splits, data = plan.splits, plan.data
    if splits.validation + splits.test >= 0.9:
        total = f"{splits.validation + splits.test:g}"
        yield "splits", f"must leave rows to train on: validation + test < 0.9. Got {total}. Lower one of them."
    for part, share, given in (("validation", splits.validation, data.validation), ("test", splits.test, data.test)):
        if share == 0 and given is None and splits.part is None:
            yield (
                f"splits.{part}",
                f"must be a number > 0 and < 0.5. Got 0. Write 0.15, or give the rows as data.{part}.",
            )


def _folds_fit_the_split(plan: Plan) -> Iterator[tuple[str, str]]:
    if plan.splits.folds > 1 and plan.splits.time is not None:
        got = f"{plan.splits.folds} beside splits.time"
        yield "splits.folds", f"must be 1 where rows are split by time. Got {got}. A fold would learn from the future."


def _parts_are_distinct(plan: Plan) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for part in ("train", "validation", "test"):
        path = getattr(plan.data, part)
        if path is None:
            continue
        if (where := os.path.abspath(path)) in seen:
            yield (
                f"data.{part}",
                f"must be another file than data.{seen[where]}. Got the same. Give it rows of its own.",
            )
        seen.setdefault(where, part)
    if plan.splits.part is not None and plan.data.validation is not None and plan.data.test is not None:
        yield (
            "splits.part",
            "must be null where data.validation and data.test are given. Got a column. Remove one or other.",
        )


def _urls_hold_no_secrets(plan: Plan) -> Iterator[tuple[str, str]]:
    for part in ("train", "validation", "test"):
        where = getattr(plan.data, part)
        if is_url(where) and has_secrets(where):
            yield (
                f"data.{part}",
                "must be a URL without user name, password and query: a plan is kept in the run folder and shown in "
                "the report. Got one that has some. Put credentials into the environment, or fetch the file first.",
            )


def _columns_have_one_use(plan: Plan) -> Iterator[tuple[str, str]]:
    splits = plan.splits
    uses = {
        "data.target": plan.data.target,
        "knowledge.weights": plan.knowledge.weights.column,
        "splits.group": splits.group,
        "splits.time": splits.time,
        "splits.part": splits.part,
    }
    seen: dict[str, str] = {}
    for path, column in uses.items():
        if column is not None and column in seen:
            yield path, f"must be another column than {seen[column]}. Got the same. Change one of them."
        elif column is not None:
            seen[column] = path


def _target_and_pair_are_used(plan: Plan) -> Iterator[tuple[str, str]]:
    data, never = plan.data, plan.knowledge.never_use
    pair = data.pair if isinstance(data.pair, tuple) else ()
    if data.target is not None and data.columns.get(data.target) == "ignore":
        yield "data.columns", "must not ignore the target. Got ignore for it. Give its kind, or leave it out."
    if data.target is not None and data.target in never:
        yield "knowledge.never_use", "must not name the target, which is never a feature anyway. Got it. Remove it."
    if pair and (pair[0] == pair[1] or data.target in pair):
        yield "data.pair", "must be two different columns other than the target. Got one of them twice. Name two texts."
    if set(pair) & set(never):
        yield "data.pair", "must be columns that may be used. Got one of knowledge.never_use. Change one of them."


def _augmentation_can_act(plan: Plan) -> Iterator[tuple[str, str]]:
    strength, found = plan.augment.strength, make_augmentation(plan.augment)
    if found is None:
        if strength != "auto":
            got = f"{strength:g} beside augment.kind: {plan.augment.kind}"
            yield "augment.strength", f"must be auto where nothing is augmented. Got {got}. Name the kind."
        return
    if found.strength >= found.below:
        got = f"{found.strength:g} for {found.kind}"
        yield "augment.strength", f"must be a share, > 0 and < {found.below:g}. Got {got}. Write a number such as 0.1."
    if why := why_idle(found, method=plan.model.train, head=plan.model.head, text=True):
        yield "augment", f"must be none where {why}. Got {found.kind}. Write none, or let more train in model.train."


def _levers_can_act(plan: Plan) -> Iterator[tuple[str, str]]:
    training = plan.training
    for name, why in idle_levers(training, method=plan.model.train, head=plan.model.head):
        got = getattr(training, name)
        yield f"training.{name}", f"must be none where {why}. Got {got}. Write none, or train more."
    if training.averaging != "none" and training.parallel == "sharded":
        got = f"{training.averaging} beside training.parallel: sharded"
        yield "training.averaging", f"must be none where weights are kept in slices. Got {got}. Write replicated."
    if training.ema_decay != "auto" and training.averaging != "ema":
        got = f"{training.ema_decay:g} beside training.averaging: {training.averaging}"
        yield "training.ema_decay", f"must be auto where there is no moving average. Got {got}. Write averaging: ema."


def _objective_is_known(plan: Plan) -> Iterator[tuple[str, str]]:
    if plan.objective.metric.strip().lower() != "auto":
        try:
            canonical(plan.objective.metric)
        except PlanError as error:
            yield "objective.metric", str(error)
    for name, limit in plan.objective.limits.given().items():
        if limit <= 0:
            yield f"objective.limits.{name}", f"must be a number > 0. Got {limit:g}. Leave it out to set no limit."


def _improvement_has_validation_rows(plan: Plan) -> Iterator[tuple[str, str]]:
    if plan.improve.rounds and plan.splits.folds > 1:
        yield "improve.rounds", f"must be 0 beside splits.folds. Got {plan.improve.rounds}. Leave one of them out."


def _space_is_sound(plan: Plan) -> Iterator[tuple[str, str]]:
    for problem in read_space(plan.search.space, Plan)[1]:
        yield problem.path, problem.text


_RULES: tuple[Callable[[Plan], Iterator[tuple[str, str]]], ...] = (
    _shares_leave_rows,
    _folds_fit_the_split,
    _parts_are_distinct,
    _urls_hold_no_secrets,
    _columns_have_one_use,
    _target_and_pair_are_used,
    _augmentation_can_act,
    _levers_can_act,
    _objective_is_known,
    _space_is_sound,
    _improvement_has_validation_rows,
)
