"""The same words said otherwise: contractions, spellings, numbers in digits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tunewright.evaluation.behaviours.swaps import swap_text
from tunewright.evaluation.robustness.base import Cells, Rows

# Each pair is one expression written in two ways, whatever stands around it; so no label can hang on the difference.
BOTH_WAYS = (
    ("do not", "don't"), ("does not", "doesn't"), ("did not", "didn't"), ("is not", "isn't"), ("are not", "aren't"),
    ("was not", "wasn't"), ("were not", "weren't"), ("has not", "hasn't"), ("have not", "haven't"),
    ("had not", "hadn't"), ("will not", "won't"), ("would not", "wouldn't"), ("could not", "couldn't"),
    ("should not", "shouldn't"), ("cannot", "can't"), ("i am", "i'm"), ("i have", "i've"), ("i will", "i'll"),
    ("you are", "you're"), ("you have", "you've"), ("we are", "we're"), ("we have", "we've"), ("they are", "they're"),
    ("they have", "they've"), ("colour", "color"), ("favourite", "favorite"), ("cancelled", "canceled"),
    ("cancelling", "canceling"), ("cancellation", "cancelation"), ("travelling", "traveling"), ("centre", "center"),
    ("grey", "gray"), ("organise", "organize"), ("recognise", "recognize"), ("email", "e-mail"), ("okay", "ok"),
)  # fmt: skip
# Back from these there is more than one way: "it's" is also "it has", and a digit may be part of something.
ONE_WAY = (
    ("it is", "it's"), ("that is", "that's"), ("what is", "what's"), ("where is", "where's"), ("there is", "there's"),
    ("two", "2"), ("three", "3"), ("four", "4"), ("five", "5"), ("six", "6"), ("seven", "7"), ("eight", "8"),
    ("nine", "9"), ("ten", "10"), ("per cent", "percent"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewording:
    """Expressions exchanged for others of the same meaning: "do not" and "don't", "colour" and "color", "two" and "2".

    The pairs are English; texts of other languages hold none of them, and are told as unchanged.

    >>> reworded("I'm sure I do not need TWO emails.")
    "I am sure I don't need 2 emails."
    """

    kind: ClassVar[str] = "rewording"
    says: ClassVar[str] = "English contractions, spellings and numbers exchanged for others of the same meaning"

    def change(self, rows: Rows) -> Iterator[tuple[str, Cells]]:
        """Every text reworded."""
        yield self.kind, rows.rewritten(lambda text, _: reworded(text))


def reworded(text: str) -> str:
    """One text with every expression exchanged that the pairs know."""
    return swap_text(text, _WORDS)


def _words() -> dict[str, str]:
    """From what to what; an apostrophe may be typographic."""
    found = {**dict(ONE_WAY), **dict(BOTH_WAYS), **{short: long for long, short in BOTH_WAYS}}
    curly = {old.replace("'", "\u2019"): new for old, new in found.items() if "'" in old}
    return {**found, **curly}


_WORDS = _words()
