"""From tokens to a tree: recursive descent, with a table of how tightly each operator binds (as in Python)."""

from __future__ import annotations

from tunewright.data.expressions.operations import COMPARISONS, FUNCTIONS, PARTS
from tunewright.data.expressions.problems import printable, refusal
from tunewright.data.expressions.tokens import Token, tokenize
from tunewright.data.expressions.tree import Apply, Chain, Constant, Member, Name, Node
from tunewright.data.names import suggest
from tunewright.errors import PlanError

DEEPEST = 50  # brackets, functions and signs within one another
MOST_OPERATIONS = 150
_NOT, _COMPARISON, _SUM, _PREFIX = 3, 4, 5, 7
_BINDS = {
    "or": 1,
    "and": 2,
    "not": _COMPARISON,
    "in": _COMPARISON,
    "+": _SUM,
    "-": _SUM,
    "*": 6,
    "/": 6,
    "%": 6,
    "**": 8,
}
_BINDS |= dict.fromkeys(COMPARISONS, _COMPARISON)
_WORDS = {"true": True, "false": False, "missing": None}


def parse_tree(source: str) -> Node:
    """Read an expression whole.

    Raises:
        PlanError: it is no expression; says at which character and what may stand there.

    >>> parse_tree("1 + x").operation
    '+'
    """
    return _Parser(source).whole()


class _Parser:
    """Reads one expression; lives for that."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = tokenize(source)
        self._at = 0
        self._depth = 0
        self._operations = 0

    def whole(self) -> Node:
        if len(self._tokens) == 1:
            raise self._refusal(must="An expression must say something", do="Write one, such as amount / 2.")
        node = self._expression(0)
        if self._at < len(self._tokens) - 1:
            near = suggest(self._now.written, _BINDS)
            raise self._refusal(
                must="After a value an operator or the end must follow",
                do=near.strip() or f"Operators are {' '.join(_BINDS)}.",
            )
        return node

    def _expression(self, lowest: int) -> Node:
        """A value and every operator behind it that binds at least as tightly as `lowest`."""
        if self._depth >= DEEPEST:
            raise self._refusal(
                must=f"An expression must be nested at most {DEEPEST} deep", do="Split it into several."
            )
        self._depth += 1
        left = self._operand(lowest)
        while _BINDS.get(self._now.written, -1) >= lowest:
            left = self._joined(left, _BINDS[self._now.written])
        self._depth -= 1
        return left

    def _joined(self, left: Node, level: int) -> Node:
        sign = self._now
        if sign.written in COMPARISONS:
            return self._chain(left)
        if level == _COMPARISON:
            return self._membership(left)
        self._next()
        right = self._expression(_PREFIX if sign.written == "**" else level + 1)
        if isinstance(left, Apply) and sign.written == left.operation and sign.written in ("and", "or"):
            return self._apply(left.at, sign.written, *left.arguments, right)
        return self._apply(sign.at, sign.written, left, right)

    def _chain(self, left: Node) -> Node:
        at, signs, operands = self._now.at, [], [left]
        while self._now.written in COMPARISONS:
            signs.append(self._next().written)
            operands.append(self._expression(_SUM))
            self._count(at)
        return Chain(at, tuple(signs), tuple(operands))

    def _membership(self, item: Node) -> Node:
        """`in` a list of constants, or in a text."""
        first = self._next()
        if first.written == "not":
            self._expect("in", 'After a value and "not" the word "in" must follow')
        if self._now.written in ("(", "["):
            self._count(first.at)
            found: Node = Member(first.at, item, self._list())
        else:
            found = self._apply(first.at, "contains", self._expression(_SUM), item)
        return self._apply(first.at, "not", found) if first.written == "not" else found

    def _list(self) -> tuple[Constant, ...]:
        closing = {"(": ")", "[": "]"}[self._next().written]
        values = [self._constant()]
        while self._now.written == ",":
            self._next()
            if self._now.written != closing:
                values.append(self._constant())
        self._expect(closing, f'In a list "," or "{closing}" must follow a value')
        return tuple(values)

    def _constant(self) -> Constant:
        at, negative = self._now.at, self._now.written == "-"
        token = self._tokens[self._at + negative]
        if token.kind != "number" and (negative or token.kind != "text"):
            raise self._refusal(must="A list after in must hold numbers or quoted texts", do="Put texts in 'quotes'.")
        self._at += 1 + negative
        return Constant(at, -float(token.value) if negative else token.value)

    def _operand(self, lowest: int) -> Node:
        token = self._now
        if token.written == "not":
            if lowest > _NOT:
                raise self._refusal(must="Here a value must stand", do="Put the not and what follows in brackets.")
            self._next()
            return self._apply(token.at, "not", self._expression(_NOT))
        if token.written in ("-", "+"):
            self._next()
            return self._apply(token.at, token.written, self._expression(_PREFIX))
        node = self._primary()
        while self._now.written == ".":
            node = self._date_part(node)
        return node

    def _primary(self) -> Node:
        token = self._now
        if token.written == "(":
            self._next()
            inner = self._expression(0)
            self._expect(")", 'An open "(" must be closed')
            return inner
        if token.kind not in ("number", "text", "column", "name") and token.written not in _WORDS:
            must = "A number, a quoted text, a column, a function or a bracket must stand here"
            raise self._refusal(must=must, do="Complete it, or remove what is before it.")
        self._next()
        if token.kind == "name" and self._now.written == "(":
            return self._call(token)
        if token.kind in ("column", "name"):
            return Name(token.at, str(token.value))
        return Constant(token.at, _WORDS[token.written] if token.kind == "sign" else token.value)

    def _call(self, name: Token) -> Node:
        if name.written not in FUNCTIONS:
            raise refusal(
                self._source,
                name.at,
                must=f"A function must be one of {', '.join(sorted(FUNCTIONS))}",
                got=name.shown(),
                do=suggest(name.written, FUNCTIONS).strip() or "Use one of these, or remove it.",
            )
        self._next()
        arguments: list[Node] = []
        while self._now.written != ")":
            arguments.append(self._expression(0))
            if self._now.written == ",":
                self._next()
            elif self._now.written != ")":
                raise self._refusal(
                    must=f'In {name.written}(…) "," or ")" must follow a value', do="Close the bracket."
                )
        self._next()
        if not any(form.fits(len(arguments)) for form in FUNCTIONS[name.written]):
            raise self._wrong_count(name, len(arguments))
        return self._apply(name.at, name.written, *arguments)

    def _wrong_count(self, name: Token, count: int) -> PlanError:
        forms = FUNCTIONS[name.written]
        counts = sorted({len(form.takes) for form in forms})
        wanted = " or ".join(map(str, counts)) + (" or more" if forms[0].more else "")
        note = " It compares cells of one row; there are no totals over a column." if forms[0].more else ""
        return refusal(
            self._source,
            name.at,
            must=f"{name.written}(…) takes {wanted} value{'s' if wanted != '1' else ''}",
            got=f"{count}",
            do=f"Give it that many.{note}",
        )

    def _date_part(self, date: Node) -> Node:
        dot = self._next()
        token = self._now
        if token.kind != "name" or token.written not in PARTS:
            raise self._refusal(
                must=f"After a dot a part of a date must follow, one of {', '.join(PARTS)}",
                do=suggest(token.written, PARTS).strip() or "Write a column whose name has a dot in `backticks`.",
            )
        self._next()
        return self._apply(dot.at, f".{token.written}", date)

    def _apply(self, at: int, operation: str, *arguments: Node) -> Apply:
        self._count(at)
        return Apply(at, operation, arguments)

    def _count(self, at: int) -> None:
        self._operations += 1
        if self._operations > MOST_OPERATIONS:
            must = f"An expression must have at most {MOST_OPERATIONS} operations"
            raise refusal(self._source, at, must=must, got="more", do="Split it into several.")

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _expect(self, written: str, must: str) -> None:
        if self._now.written != written:
            raise self._refusal(must=must, do=f'Write "{written}" there.')
        self._next()

    def _refusal(self, *, must: str, do: str) -> PlanError:
        return refusal(self._source, self._now.at, must=must, got=self._now.shown(), do=printable(do))
