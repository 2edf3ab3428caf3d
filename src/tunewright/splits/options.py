"""What the plan says about splitting the rows into train, validation and test."""

from __future__ import annotations

from dataclasses import dataclass, field

from tunewright.planfile.checks import between


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitOptions:
    """How rows are parted before anything is fitted.

    Args:
        validation: share of the rows to choose on, 0 < x < 0.5; not used (and may be 0) where those rows are given.
        test: share of the rows to test on, 0 < x < 0.5; not used (and may be 0) where those rows are given.
        group: column whose equal values stay on one side (a customer, a document).
        time: column to order by: the latest rows become the test part.
        part: column that names each row's part: train, validation (also valid, val, dev) or test.
        folds: above 1, the whole recipe is cross-validated over so many folds of the rows that are not test rows, and
            the model of the bundle is then fitted on all of them.

    >>> SplitOptions(group="customer_id").test
    0.15
    """

    validation: float = field(default=0.15, metadata={"check": between(0, 0.5, ends="[)")})
    test: float = field(default=0.15, metadata={"check": between(0, 0.5, ends="[)")})
    group: str | None = None
    time: str | None = None
    part: str | None = None
    folds: int = field(default=1, metadata={"check": between(1, 20, ends="[]", example=5)})
