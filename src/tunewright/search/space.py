"""A search space: hyperparameters with their values, some only where others have certain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tunewright.errors import PlanError
from tunewright.search.options import DimensionOptions, Value

GRID_POINTS = 5
MOST_COMBINATIONS = 100_000
Params = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One hyperparameter.

    Args:
        name: its path in the plan.
        low: the least value of a range.
        high: the greatest.
        log: whether equal ratios are equal steps.
        whole: whether only whole numbers fit.
        choices: the values in place of a range.
        when: values that others must have for this one to matter, by their path.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    choices: tuple[Value, ...] = ()
    when: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    def holds(self, params: Params) -> bool:
        """Whether this hyperparameter matters beside others."""
        return all(params.get(name) in values for name, values in self.when.items())

    def takes(self, value: Value) -> bool:
        """Whether a value is one of the choices, or lies in the range.

        >>> Dimension(name="n", low=1, high=3, whole=True).takes(2.5)
        False
        """
        if self.choices:
            return value in self.choices
        inside = not isinstance(value, str) and self.low <= value <= self.high
        return inside and (not self.whole or float(value).is_integer())

    def points(self) -> tuple[Value, ...]:
        """The choices, or at most five points of a range.

        >>> Dimension(name="x", low=1e-4, high=1e-2, log=True).points()[::2]
        (0.0001, 0.001, 0.01)
        >>> Dimension(name="n", low=1, high=3, whole=True).points()
        (1, 2, 3)
        """
        if self.choices:
            return self.choices
        steps = [step / (GRID_POINTS - 1) for step in range(GRID_POINTS)]
        if self.log:
            values = [self.low * (self.high / self.low) ** step for step in steps]
        else:
            values = [self.low + (self.high - self.low) * step for step in steps]
        # Six digits read well, but must not leave the range.
        short = [min(max(float(f"{value:.6g}"), self.low), self.high) for value in values]
        rounded = [round(value) for value in values] if self.whole else short
        return tuple(dict.fromkeys(rounded))

    def at(self, value: Value) -> float:
        """Where a value lies, 0 to 1 for a range, its place for a choice."""
        import math

        if self.choices:
            return float(self.choices.index(value))
        number, low, high = float(value), self.low, self.high
        if self.log:
            number, low, high = math.log(number), math.log(low), math.log(high)
        return (number - low) / (high - low) if high > low else 0.0


def read_dimension(name: str, given: DimensionOptions | Sequence[Value]) -> tuple[Dimension, tuple[str, ...]]:
    """A dimension as the plan writes it, and what is wrong with it.

    >>> read_dimension("x", (0.1, 0.2))[0].choices
    (0.1, 0.2)
    >>> read_dimension("x", DimensionOptions(low=2.0, high=1.0))[1]
    ('must have low <= high. Got low 2 and high 1. Swap them.',)
    """
    options = given if isinstance(given, DimensionOptions) else DimensionOptions(choices=tuple(given))
    wrong = tuple(_wrong(options))
    if options.choices:
        return Dimension(name=name, choices=tuple(dict.fromkeys(options.choices)), when=options.when), wrong
    low, high = options.low or 0.0, options.high or 0.0
    return Dimension(name=name, low=low, high=high, log=options.log, when=options.when), wrong


def _wrong(options: DimensionOptions) -> Iterator[str]:
    low, high = options.low, options.high
    if options.choices:
        if low is not None or high is not None or options.log:
            got = "both" if low is not None or high is not None else "choices with log: true"
            yield f"must be choices or a range. Got {got}. Leave one of them out."
        return
    if low is None or high is None:
        yield "must have choices, or low and high. Got neither in full. Write {low: 0.1, high: 0.5} or a list."
        return
    if low > high:
        yield f"must have low <= high. Got low {low:g} and high {high:g}. Swap them."
    if options.log and low <= 0:
        yield f"must have low > 0 where log is true. Got low {low:g}. Raise it, or set log: false."


def contradictions(dimensions: Sequence[Dimension]) -> Iterator[tuple[str, str]]:
    """(path, problem) for every condition that can never hold or that waits for itself."""
    by_name = {dimension.name: dimension for dimension in dimensions}
    wrong = set[str]()
    for dimension in dimensions:
        for name, values in dimension.when.items():
            other = by_name.get(name)
            text = _dead(other, values) if other is not None else f"another of the space. Got {name}. Add that"
            if text:
                wrong.add(dimension.name)
                yield dimension.name, f"must depend on {text}, or drop `when`."
    waiting = _waiting(by_name)
    if waiting:
        yield waiting[0], f"must not wait for itself. {', '.join(waiting)} depend on each other. Drop one `when`."
    elif not wrong:
        yield from _never(dimensions)


def _dead(other: Dimension, values: Sequence[Value]) -> str:
    """What is wrong with a condition of which a part can never hold, or nothing."""
    dead = [value for value in values if not other.takes(value)]
    if not dead and values:
        return ""
    listed = ", ".join(map(_shown, dead)) or "none"
    if other.choices:
        return f"values that {other.name} takes: {', '.join(map(_shown, other.choices))}. Got {listed}. Change it"
    return f"values that {other.name} takes: {other.low:g} to {other.high:g}. Got {listed}. Change it"


def _never(dimensions: Sequence[Dimension]) -> Iterator[tuple[str, str]]:
    """Dimensions whose conditions, with those of what they depend on, exclude each other."""
    needs = dict[str, dict[str, set[Value]]]()
    for dimension in in_order(dimensions):
        whole = {name: set(values) for name, values in dimension.when.items()}
        for name in dimension.when:
            for other, values in needs[name].items():
                whole[other] = whole.get(other, values) & values
        needs[dimension.name] = whole
        for name in [name for name, values in whole.items() if not values]:
            yield (
                dimension.name,
                f"must have conditions that can hold together. Got some that ask {name} for different values, "
                "its own and those of what it depends on. Change `when`.",
            )


def _shown(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _waiting(by_name: Mapping[str, Dimension]) -> list[str]:
    """Names that never get their turn."""
    left = dict(by_name)
    while ready := [name for name, one in left.items() if not set(one.when) & set(left)]:
        for name in ready:
            del left[name]
    return list(left)


def in_order(dimensions: Sequence[Dimension]) -> tuple[Dimension, ...]:
    """The same, each after those it depends on."""
    ordered: list[Dimension] = []
    left = list(dimensions)
    while left:
        names = {one.name for one in left}
        ready = [one for one in left if not set(one.when) & names] or left
        ordered += ready
        left = [one for one in left if one not in ready]
    return tuple(ordered)


def combinations(dimensions: Sequence[Dimension]) -> list[dict[str, Value]]:
    """Every combination of points, each once; what does not matter is left out.

    Raises:
        PlanError: there are more than 100,000.

    >>> a = Dimension(name="a", choices=("x", "y"))
    >>> combinations([a, Dimension(name="b", choices=(1.0, 2.0), when={"a": ("y",)})])
    [{'a': 'x'}, {'a': 'y', 'b': 1.0}, {'a': 'y', 'b': 2.0}]
    """
    found: list[dict[str, Value]] = [{}]
    for dimension in in_order(dimensions):
        if len(found) * len(dimension.points()) > MOST_COMBINATIONS:
            raise PlanError(
                f"A grid must have at most {MOST_COMBINATIONS:,} combinations. This space has more. "
                "Name fewer values, or search with search.strategy: random or bayesian."
            )
        found = [
            {**params, dimension.name: point} if point is not None else params
            for params in found
            for point in (dimension.points() if dimension.holds(params) else (None,))
        ]
    return found
