"""The table of damages."""

from __future__ import annotations

from tunewright.evaluation.robustness.base import Damaging
from tunewright.evaluation.robustness.letter_case import LetterCase
from tunewright.evaluation.robustness.missing import Missing
from tunewright.evaluation.robustness.punctuation import Punctuation
from tunewright.evaluation.robustness.rewording import Rewording
from tunewright.evaluation.robustness.truncation import Truncation
from tunewright.evaluation.robustness.typos import Typos
from tunewright.evaluation.robustness.whitespace import Whitespace
from tunewright.evaluation.robustness.word_forms import WordForms

DAMAGES: tuple[Damaging, ...] = (
    Typos(),
    LetterCase(),
    Punctuation(),
    Whitespace(),
    Truncation(),
    Rewording(),
    WordForms(),
    Missing(),
)
