"""What a bundle's model reads, and requests held to it: 422 that names what is wrong, or a default that is defined.

The table that was learned from decides. A column that had no empty cell there must have a value; one that had some may
be left out or null, because the model has learned what empty means. A column that the table has and the model does not
read (its target, ids) is passed over; one that the table does not know is refused, since it is most likely a known one
mistyped. A value of a category that has no weight of its own is the model's "another value", and the answer says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import polars as pl

from tunewright.bundle.preprocessor import Preprocessor
from tunewright.data.derived import sources_of
from tunewright.data.names import suggest
from tunewright.features.categories import CategoryFeature
from tunewright.records import Column, Kind
from tunewright.serving.cells import dtype, read_cells
from tunewright.serving.refusals import Problem, Refused, cut

SIGNS = 4  # characters of a token, as far as one can say without the tokenizer
EDGES = 2  # special tokens around a text
MOST_NAMES = 20  # unknown names of one row that are told
MOST_FOUND = 200  # problems after which no more unknown names are looked for
_ABSENT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One column of a request.

    Args:
        column: as it was learned.
        required: it must have a value in every row.
        values: of a category, those that have a weight of their own; empty: any value is like any other.
    """

    column: Column
    required: bool
    values: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name

    @property
    def kind(self) -> Kind:
        """What it holds; what is read for derived columns only counts as text unless it is a number or a moment."""
        return self.column.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows that passed the schema.

    Args:
        count: of them.
        cells: by column, `count` each.
        costs: tokens that each row takes, about.
        notes: what the answer should be read with.
    """

    count: int
    cells: Mapping[str, Sequence[Any]]
    costs: tuple[int, ...]
    notes: tuple[Problem, ...] = ()

    def take(self, places: Sequence[int]) -> Rows:
        """The rows at these places."""
        cells = {name: [values[place] for place in places] for name, values in self.cells.items()}
        return Rows(count=len(places), cells=cells, costs=tuple(self.costs[place] for place in places))


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The columns of a request.

    Args:
        inputs: that the model reads, in table order.
        known: names that the table has and the model does not read.
        texts: columns of each text that is encoded.
        max_length: tokens that are kept of a text.
        cell: characters of a text, at most.
        rows: of a request, at most.
        strict: refuse what a default would serve.
    """

    inputs: tuple[Input, ...]
    known: frozenset[str]
    texts: tuple[tuple[str, ...], ...] = ()
    max_length: int = 1
    cell: int = 100_000
    rows: int = 2_000
    strict: bool = False
    _names: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_names", frozenset(one.name for one in self.inputs))

    @classmethod
    def of(cls, preprocessor: Preprocessor, *, cell: int = 100_000, rows: int = 2_000, strict: bool = False) -> Schema:
        """The schema of a fitted preprocessor."""
        table = preprocessor.table
        sources = sources_of(table.columns)
        read = [c for c in table.columns if not c.derived and (c.role == "feature" or c.name in sources)]
        values = {
            one.column: frozenset((*one.values, *one.empty))
            for one in preprocessor.featurizer.features
            if isinstance(one, CategoryFeature)
        }
        inputs = tuple(
            Input(
                column=column,
                required=column.missing == 0 and not column.empty,
                values=values.get(column.name, frozenset()) if column.kind == "category" else frozenset(),
            )
            for column in read
        )
        names = {column.name for column in read}
        return cls(
            inputs=inputs,
            known=frozenset(c.name for c in table.columns if c.name not in names),
            texts=preprocessor.texts,
            max_length=preprocessor.max_length,
            cell=cell,
            rows=rows,
            strict=strict,
        )

    def of_rows(self, rows: Sequence[Any]) -> Rows:
        """Check rows that are objects.

        Raises:
            Refused: 422, with every problem found.
        """
        self._countable(len(rows))
        problems = [
            Problem(row=place, what="must be an object with a value for each column")
            for place, row in enumerate(rows)
            if not isinstance(row, dict)
        ]
        if problems:
            raise Refused(422, "Each row must be an object. Some are not. Name the columns in each.", problems=problems)
        for place, row in enumerate(rows):
            if not row.keys() <= self._names and len(problems) < MOST_FOUND:
                problems += self._unknown(row.keys() - self._names, place)
        cells = {one.name: [row.get(one.name, _ABSENT) for row in rows] for one in self.inputs}
        return self._checked(cells, len(rows), problems)

    def of_columns(self, columns: Mapping[str, Any]) -> Rows:
        """Check columns that are lists of equal length.

        Raises:
            Refused: 422, with every problem found.
        """
        problems = self._unknown(columns.keys() - self._names)
        lists = {name: values for name, values in columns.items() if name in self._names}
        if not lists or not all(isinstance(values, list) for values in lists.values()):
            found = problems + [
                Problem(column=n, what="must be a list with a value for each row")
                for n, values in lists.items()
                if not isinstance(values, list)
            ]
            names = ", ".join(repr(one.name) for one in self.inputs[:12])
            raise Refused(422, f"Columns must be lists of values, by name. The model reads {names}.", problems=found)
        lengths = {len(values) for values in lists.values()}
        if len(lengths) > 1:
            found = [Problem(column=name, what=f"has {len(values):,} values") for name, values in lists.items()]
            raise Refused(422, "All columns must have a value for each row. Their lengths differ.", problems=found)
        count = lengths.pop()
        self._countable(count)
        absent = [_ABSENT] * count
        return self._checked({one.name: lists.get(one.name, absent) for one in self.inputs}, count, problems)

    def frame(self, parts: Sequence[Rows]) -> pl.DataFrame:
        """All rows of the parts, one after the other, as `Preprocessor.conform` takes them."""
        columns = []
        for one in self.inputs:
            cells = parts[0].cells[one.name]
            if len(parts) > 1:
                cells = [cell for part in parts for cell in part.cells[one.name]]
            columns.append(pl.Series(one.name, cells, dtype=dtype(one.kind)))
        return pl.DataFrame(columns)

    def _countable(self, count: int) -> None:
        if not 0 < count <= self.rows:
            raise Refused(
                422, f"A request must bring between 1 and {self.rows:,} rows. Got {count:,}. Send them in several."
            )

    def _unknown(self, names: Collection[str], row: int | None = None) -> list[Problem]:
        """Names that are no column's; of very many, some."""
        foreign = sorted(islice((name for name in names if name not in self.known), MOST_NAMES))
        return [
            Problem(row=row, column=name, what=f"is not a column of the model.{suggest(cut(name), self._names)}")
            for name in foreign
        ]

    def _checked(self, cells: Mapping[str, Sequence[Any]], count: int, problems: list[Problem]) -> Rows:
        read: dict[str, list[Any]] = {}
        notes: list[Problem] = []
        for one in self.inputs:
            present, absent = _without_absent(cells[one.name])
            found, wrong = read_cells(one.column, present, longest=self.cell)
            read[one.name] = found
            for place, what in wrong.items():
                problems.append(Problem(row=place, column=one.name, what=what))
            self._look(one, found, absent, wrong, problems, notes)
        if problems:
            problems.sort(key=lambda one: (one.row is not None, one.row or 0))
            raise Refused(422, _summary(problems), problems=problems)
        return Rows(count=count, cells=read, costs=self._costs(read, count), notes=tuple(notes))

    def _look(
        self,
        one: Input,
        cells: Sequence[Any],
        absent: frozenset[int],
        wrong: Mapping[int, str],
        problems: list[Problem],
        notes: list[Problem],
    ) -> None:
        """What a cell may be as such and this column does not have: nothing at all, or a value never learned."""
        text = one.kind == "text"
        for place, cell in enumerate(cells):
            if (
                cell is None
                and place not in wrong
                and (one.required or self.strict)
                and not (text and place not in absent)
            ):
                what = "is missing" if place in absent else "must have a value"
                learned = "; the model has never seen it empty" if one.required else ""
                problems.append(Problem(row=place, column=one.name, what=what + learned))
            elif one.values and isinstance(cell, str) and one.column.spellings.get(cell, cell) not in one.values:
                what = "has a value that the model has no weight of its own for"
                (problems if self.strict else notes).append(Problem(row=place, column=one.name, what=what))

    def _costs(self, cells: Mapping[str, Sequence[Any]], count: int) -> tuple[int, ...]:
        costs = [0] * count
        for names in self.texts:
            lengths = [0] * count
            for name in names:
                # A text that was derived by an expression is not here; it counts as an empty one.
                for place, cell in enumerate(cells.get(name, ())):
                    lengths[place] += len(cell) if cell else 0
            for place, length in enumerate(lengths):
                costs[place] += min(length // SIGNS + 1 + EDGES, self.max_length)
        return tuple(max(cost, 1) for cost in costs)


def _without_absent(values: Sequence[Any]) -> tuple[Sequence[Any], frozenset[int]]:
    if _ABSENT not in values:
        return values, frozenset()
    places = frozenset(place for place, value in enumerate(values) if value is _ABSENT)
    return [None if value is _ABSENT else value for value in values], places


def _summary(problems: Sequence[Problem]) -> str:
    columns = list(dict.fromkeys(cut(one.column) for one in problems[:MOST_FOUND] if one.column is not None))
    named = (
        f" Look at {', '.join(map(repr, columns[:8]))}{' and others' if len(columns) > 8 else ''}." if columns else ""
    )
    many = "1 problem" if len(problems) == 1 else f"{len(problems):,} problems"
    return f"Rows must fit the table that the model has learned from. Got {many}.{named}"
