"""From the text of an expression to its words and signs."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from tunewright.data.expressions.problems import printable, refusal

LONGEST = 10_000  # characters
WORDS = frozenset({"and", "or", "not", "in", "true", "false", "missing"})
_HALF = re.compile("[\ud800-\udfff]")  # no character, but half of one: cannot be encoded
_SPACE = re.compile(r"\s*")
_TOKEN = re.compile(
    r"""(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)
      | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<column>`(?:[^`]|``)+`)
      | (?P<name>[^\W\d]\w*)
      | (?P<sign>\*\*|==|!=|<=|>=|[-+*/%<>().,\[\]])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t"}
_INSTEAD = {
    "=": "Write == to compare.",
    "!": "Write not, or != for unlike.",
    "&": "Write and.",
    "|": "Write or.",
    "~": "Write not.",
    "^": "Write ** for a power.",
    "{": "Write a list in round brackets.",
    "'": "Close the quote; write \\' for a quote inside the text.",
    '"': 'Close the quote; write \\" for a quote inside the text.',
    "`": "Close the backtick around the column's name.",
    **dict.fromkeys("‘’‚“”„«»", "Use straight quotes."),
}


@dataclass(frozen=True, slots=True)
class Token:
    """One word or sign: its kind, how it is written, what it stands for, its zero-based place."""

    kind: Literal["number", "text", "column", "name", "sign", "end"]
    written: str
    value: str | float
    at: int

    def shown(self) -> str:
        """The token as an error shows it."""
        return "the end" if self.kind == "end" else f'"{printable(self.written[:40])}"'


def tokenize(source: str) -> list[Token]:
    """Cut an expression into tokens, the last of them "end"; the words of the language are signs.

    Raises:
        PlanError: too long, not Unicode, a character that means nothing, an open quote, a number beyond all bounds.

    >>> [token.value for token in tokenize("a >= 1.5 and `my column`")]
    ['a', '>=', 1.5, 'and', 'my column', '']
    """
    if len(source) > LONGEST:
        raise refusal(
            source,
            LONGEST,
            must=f"An expression must have at most {LONGEST:,} characters",
            got=f"{len(source):,}, too many",
            do="Split it into several.",
        )
    if (half := _HALF.search(source)) is not None:
        must, do = "An expression must be Unicode text", "Type it again."
        raise refusal(source, half.start(), must=must, got=f'"{printable(half.group())}"', do=do)
    tokens: list[Token] = []
    at = _after_space(source, 0)
    while at < len(source):
        found = _TOKEN.match(source, at)
        if found is None:
            raise _meaningless(source, at)
        tokens.append(_token(source, at, found))
        at = _after_space(source, found.end())
    return [*tokens, Token("end", "", "", len(source))]


def _after_space(source: str, at: int) -> int:
    found = _SPACE.match(source, at)
    return found.end() if found else at


def _token(source: str, at: int, found: re.Match[str]) -> Token:
    written = found.group()
    if found["number"]:
        value = float(written)
        if not math.isfinite(value):
            raise refusal(source, at, must="A number must be below 1.8e308", got="more", do="Write a smaller one.")
        return Token("number", written, value, at)
    if found["text"]:
        return Token("text", written, _unescaped(source, at, written[1:-1]), at)
    if found["column"]:
        return Token("column", written, written[1:-1].replace("``", "`"), at)
    return Token("sign" if found["sign"] or written in WORDS else "name", written, written, at)


def _unescaped(source: str, at: int, inside: str) -> str:
    def plain(found: re.Match[str]) -> str:
        if found[1] not in _ESCAPES:
            raise refusal(
                source,
                at + 1 + found.start(),
                must=r"After a backslash one of \ ' \" n t must follow",
                got=f'"{printable(found[1])}"',
                do=r"Write \\ for a backslash.",
            )
        return _ESCAPES[found[1]]

    return re.sub(r"\\(.)", plain, inside, flags=re.DOTALL)


def _meaningless(source: str, at: int) -> Exception:
    return refusal(
        source,
        at,
        must="An expression must consist of numbers, quoted texts, column names and operators",
        got=f'"{printable(source[at])}"',
        do=_INSTEAD.get(source[at], "Write a column with an odd name in `backticks`, a text in 'quotes'."),
    )
