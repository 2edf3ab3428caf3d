"""A wrong place in a plan: where, and what about it. All of them are listed in one error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunewright.errors import PlanError

LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong at one place.

    Args:
        path: dotted keys from the top of the plan; empty for the plan as a whole.
        text: what must hold, what we got, what to do.
    """

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


def plan_error(problems: Iterable[Problem], *, source: str = "The plan") -> PlanError:
    r"""Make one error of all problems, one line each, without repeating any.

    >>> str(plan_error([Problem(path="seed", text="must be a whole number. Got null. Write 0.")]))
    'The plan must have no mistakes. Got 1:\n  seed: must be a whole number. Got null. Write 0.'
    """
    lines = list(dict.fromkeys(str(problem) for problem in problems))
    return PlanError(f"{source} must have no mistakes. Got {len(lines)}:" + "".join(f"\n  {line}" for line in lines))


def name_overrides(problems: Sequence[Problem], overrides: Mapping[str, str]) -> list[Problem]:
    """Add to each problem the `--set` it came from; `overrides` maps a path to the option as it was written.

    >>> name_overrides([Problem(path="seed", text="Wrong.")], {"seed": "seed=x"})[0].text
    'Wrong. It came from --set "seed=x".'
    """
    return [_named(problem, overrides) for problem in problems]


def lies_at(path: str, above: str) -> bool:
    """Whether a path is another one or lies below it.

    >>> lies_at("data.pair[0]", "data.pair"), lies_at("data.pairs", "data.pair")
    (True, False)
    """
    return path == above or path.startswith((f"{above}.", f"{above}["))


def show(value: Any) -> str:
    r"""Show a value in an error: quoted, one line, cut, control characters escaped.

    >>> show("four"), show([1, 2]), show("\x1b[31m"), show(4)
    ('"four"', 'a list of 2', '"\\x1b[31m"', '4')
    """
    if isinstance(value, str):
        return f'"{clean(value)}"'
    if isinstance(value, Mapping):
        return f"the keys {', '.join(clean(str(key)) for key in list(value)[:5])}" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if value is None:
        return "null"
    return clean(repr(value)) if isinstance(value, int | float) else f"a {type(value).__name__}"


def clean(text: str) -> str:
    """Cut a text that came from outside and escape what does not print."""
    cut = text[:LONGEST_SHOWN] + ("…" if len(text) > LONGEST_SHOWN else "")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def _named(problem: Problem, overrides: Mapping[str, str]) -> Problem:
    for path, option in overrides.items():
        if lies_at(problem.path, path) or lies_at(path, problem.path):
            return replace(problem, text=f'{problem.text} It came from --set "{clean(option)}".')
    return problem
