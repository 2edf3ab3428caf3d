"""`Expression`: a text of the language, read, and ready for any table that has its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tunewright.data.expressions.operations import Kind
from tunewright.data.expressions.parsing import parse_tree
from tunewright.data.expressions.problems import printable, refusal
from tunewright.data.expressions.tree import Node, names
from tunewright.data.names import listed, suggest

if TYPE_CHECKING:
    import polars as pl

    from tunewright.data.expressions.compiling import Step


@dataclass(frozen=True, slots=True)
class Expression:
    """What `parse` returns.

    Args:
        text: as it was written.
        tree: what it says.
        columns: names of the columns it looks at, in the order of their first mention.
    """

    text: str
    tree: Node = field(repr=False)
    columns: tuple[str, ...]

    def kind(self, schema: Mapping[str, pl.DataType]) -> Kind:
        """What it gives for a table with these columns: "number", "text", "truth", "date"; "nothing" if always null.

        Raises:
            PlanError: columns that are not there, or of kinds that an operation cannot take.
        """
        return self._compiled(schema).kind

    def evaluate(self, frame: pl.DataFrame) -> pl.Series:
        """Its answer for every row: Float64, String, Boolean or Datetime[us], named as the expression is written.

        What is unknown stays unknown: a null makes the answer null, but for `is_missing`, and where the other side of
        an `and` or `or` decides alone. A number that is not finite is null.

        Args:
            frame: a table as `conform` casts it; n rows cost n per operation. Numbers are computed in float64.

        Raises:
            PlanError: columns that are not there, or of kinds that an operation cannot take.

        >>> import polars as pl
        >>> parse("log(n) + 1").evaluate(pl.DataFrame({"n": [1.0, 0.0, None]})).to_list()
        [1.0, None, None]
        """
        from tunewright.data.expressions.running import run, spread

        step = self._compiled(frame.schema)
        return spread(run(step, frame), step.kind, frame.height).alias(self.text)

    def holds(self, frame: pl.DataFrame) -> pl.Series:
        """Rows for which it is true, as Boolean without nulls: what is unknown does not hold.

        Raises:
            PlanError: it is no condition; or as `evaluate`.

        >>> import polars as pl
        >>> parse("channel == 'phone'").holds(pl.DataFrame({"channel": ["phone", "mail", None]})).to_list()
        [True, False, False]
        """
        self.check_condition(frame.schema)
        return self.evaluate(frame).cast(bool).fill_null(False)

    def check_condition(self, schema: Mapping[str, pl.DataType]) -> None:
        """Make sure that it is true or false for the rows of such a table.

        Raises:
            PlanError: it is not; or as `kind`.
        """
        kind = self.kind(schema)
        if kind not in ("truth", "nothing"):
            must, do = "A condition must be true or false for each row", "Compare it, as in channel == 'phone'."
            raise refusal(self.text, 0, must=must, got=f"a {kind}", do=do)

    def _compiled(self, schema: Mapping[str, pl.DataType]) -> Step:
        from tunewright.data.expressions.compiling import compile_tree

        absent = [name for name in self.columns if name not in schema]
        if absent:
            first = next(node for node in names(self.tree) if node.column == absent[0])
            raise refusal(
                self.text,
                first.at,
                must=f"An expression must name columns of the data, which are {listed(schema)}",
                got=" and ".join(f"`{printable(name)}`" for name in absent[:5]) + (", the first" if absent[1:] else ""),
                do=suggest(absent[0], schema).strip() or "Name a column, or put a text in 'quotes'.",
            )
        return compile_tree(self.text, self.tree, schema)


def parse(text: str) -> Expression:
    """Read an expression.

    The language: numbers, 'texts', column names (odd ones in `backticks`), true, false, missing; + - * / % ** on
    numbers, + on texts, - on dates (days between them); == != < <= > >=, also in a chain; in (…) and not in; and, or,
    not; log log1p sqrt abs round min max clip if is_missing length words contains has_words starts_with ends_with lower
    upper; date parts behind a dot: hour day month year weekday is_weekend hour_of_week. Operators bind as in Python.

    Args:
        text: at most 10,000 characters, 150 operations, nested at most 50 deep.

    Raises:
        PlanError: says at which character, what was found and what may stand there.

    >>> parse("clip(amount / 100, 0, 1) * (created_at.hour >= 18)").columns
    ('amount', 'created_at')
    >>> parse("amount / ")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    tunewright.errors.PlanError: A number, a quoted text, ... Got the end at character 10 of "amount / ". Complete it...
    """
    tree = parse_tree(text)
    return Expression(text, tree, tuple(dict.fromkeys(name.column for name in names(tree))))
