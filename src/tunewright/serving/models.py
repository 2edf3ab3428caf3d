"""What is served: models by name, each in one or more versions, and the swap of one for another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from tunewright.data.names import suggest
from tunewright.serving.pace import Pace
from tunewright.serving.refusals import Refused, cut
from tunewright.serving.schema import Schema

Answerer = Callable[[pl.DataFrame], pl.DataFrame]
Explainer = Callable[[Mapping[str, Any], str | None], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Version:
    """One bundle in memory.

    Args:
        model: the name it is called by.
        version: what names its content: twelve digits of the digest of the bundle's digests.
        schema: of its requests.
        task: binary, multiclass, multilabel or regression.
        labels: that it may say; none for a regression.
        target: name of what it predicts.
        answer: from a frame that `Schema.frame` makes to predictions, as `Predictor.predict_typed` gives them; called
            by the batcher's worker only.
        explain: from a row (and a label, or None) to plain JSON, likewise; None: cannot.
        example: a row that it can answer.
        pace: how long it takes.
    """

    model: str
    version: str
    schema: Schema
    task: str
    labels: tuple[str, ...]
    target: str
    answer: Answerer
    explain: Explainer | None = None
    example: Mapping[str, Any] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)


@dataclass(slots=True, eq=False)
class Place:
    """Where a version stands; another may be put there.

    Args:
        source: what it came from, for whoever loads the next one.
        version: the one that answers.
    """

    source: Any
    version: Version


class Shelf:
    """All versions that answer. Only the event loop's thread touches it, so that a swap is one assignment.

    Args:
        places: in the order given; the first is the default model, the last of a name its default version.
    """

    def __init__(self, places: list[Place]) -> None:
        self.places = places

    def find(self, name: str | None = None, version: str | None = None, *, status: int = 404) -> Version:
        """The version that a request means.

        Raises:
            Refused: there is none.
        """
        wanted = name if name is not None else self.places[0].version.model
        named = [place.version for place in self.places if place.version.model == wanted]
        if not named:
            hint = suggest(cut(wanted), self.names())
            raise Refused(status, f"A model must be one of those served. There is no {cut(wanted)!r}.{hint}")
        if version is None:
            return named[-1]
        found = next((one for one in named if one.version == version), None)
        if found is None:
            there = ", ".join(one.version for one in named)
            raise Refused(status, f"A version must be served. {cut(wanted)!r} has {there}. Name one, or none.")
        return found

    def names(self) -> list[str]:
        """Names of the models, each once."""
        return list(dict.fromkeys(place.version.model for place in self.places))

    def versions(self) -> list[Version]:
        """Everything that answers."""
        return [place.version for place in self.places]


def misfit(old: Version, new: Version) -> str | None:
    """Why a version cannot take another's place without failing those who call it; None: it can.

    >>> from types import SimpleNamespace
    >>> a = SimpleNamespace(task="regression", target="y", schema=Schema(inputs=(), known=frozenset()))
    >>> misfit(a, SimpleNamespace(task="binary", target="y", schema=a.schema))
    'it predicts another kind of thing (binary in place of regression)'
    """
    if {old.task, new.task} - {"binary", "multiclass"} and old.task != new.task:
        return f"it predicts another kind of thing ({new.task} in place of {old.task})"
    if old.target != new.target:
        return f"it predicts another column ({new.target!r} in place of {old.target!r})"
    before = {one.name: one for one in old.schema.inputs}
    for one in new.schema.inputs:
        known = before.get(one.name)
        if known is None and one.required and one.name not in old.schema.known:
            return f"it needs the column {one.name!r}, which callers do not send"
        if known is not None and one.required and not known.required:
            return f"it needs a value in the column {one.name!r}, which callers may leave out"
        if known is not None and known.kind != one.kind and {known.kind, one.kind} != {"text", "category"}:
            return f"it reads the column {one.name!r} as {one.kind}, in place of {known.kind}"
    lost = before.keys() - {one.name for one in new.schema.inputs} - new.schema.known
    if lost:
        return f"it does not know the column {min(lost)!r}, which callers send"
    return None
