"""What the plan says about turning cells into features."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tunewright.records import TargetScale


@dataclass(frozen=True, slots=True, kw_only=True)
class TextOptions:
    """How text is cleaned before it is tokenised.

    Args:
        unicode: normal form; nfkc also folds full-width letters, ligatures and non-breaking spaces.
        html: strip tags and resolve entities, or keep them.
        damage: repair what was read in a wrong encoding and take out characters that nobody sees, or keep it all.

    >>> TextOptions().unicode
    'nfkc'
    """

    unicode: Literal["nfkc", "nfc", "none"] = "nfkc"
    html: Literal["strip", "keep"] = "strip"
    damage: Literal["repair", "keep"] = "repair"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessOptions:
    """How columns become features; everything is fitted on train rows only.

    Args:
        numbers: scaling of number columns: robust (median and interquartile range), standard (mean and standard
            deviation), quantile (rank), none.
        text: cleaning of text columns.
        missing: cells without a value: impute (fill only), indicator (fill and say so in a feature of its own), auto
            (an indicator where the train rows have missing cells).
        target: scaling of a regression target: none, standard, log, or auto (chosen from the train rows).

    >>> PreprocessOptions().text.html
    'strip'
    """

    numbers: Literal["robust", "standard", "quantile", "none"] = "robust"
    text: TextOptions = field(default_factory=TextOptions)
    missing: Literal["auto", "indicator", "impute"] = "auto"
    target: TargetScale = "auto"
