"""`serve`: bundles become versions that answer, tried before anybody is let in; then the server runs."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tunewright.bundle.predictor import Predictor
from tunewright.bundle.reading import SUMS
from tunewright.errors import ModelError, PlanError
from tunewright.living.address import locate
from tunewright.records import to_json
from tunewright.remote import name_of
from tunewright.serving.example import example_row
from tunewright.serving.keeping import Bundles, keep_fresh
from tunewright.serving.models import Place, Shelf, Version
from tunewright.serving.options import ServingOptions, check_reach
from tunewright.serving.schema import Schema
from tunewright.serving.service import close_service, open_service
from tunewright.serving.sockets import listen
from tunewright.stories.judging.explaining import explainer_of

if TYPE_CHECKING:
    from tunewright.serving.http.running import Ended

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
FOLLOWED = 2.0  # seconds after which a promotion is looked for
DIGITS = 12  # of a digest, to tell versions apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A bundle to serve.

    Args:
        name: what the model is called by.
        where: its bundle, or a run folder, a path or a URL; or its name in a registry, whose champion answers.
        registry: where that is; None: the usual place.
    """

    name: str
    where: str
    registry: str | None = None


def read_source(text: str, *, registry: str | None = None) -> Source:
    """What an argument of `serve` means: `NAME=BUNDLE`, a bundle called by its run's name, or a name in the registry.

    Raises:
        PlanError: a name that no URL can hold as it is.

    >>> read_source("tickets=runs/a/bundle").name, read_source("runs/tickets-1a2b/bundle").name
    ('tickets', 'tickets-1a2b')
    """
    name, given, where = text.partition("=")
    if given and "/" not in name:
        if not _NAME.fullmatch(name) or not where:
            raise PlanError(
                f"A served model must be NAME=BUNDLE, its name of letters, digits, '.', '_' and '-'. Got {text!r}. "
                "Rename it."
            )
        return Source(name=name, where=where, registry=registry)
    return Source(name=_called(text), where=text, registry=registry)


def _called(where: str) -> str:
    folder = where.rstrip("/")
    stem = name_of(folder)
    if stem == "bundle":
        stem = name_of(folder.rpartition("/")[0] or str(Path(folder).resolve().parent))
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:64]
    return cleaned or "model"


def bundle_at(source: Source) -> Path:
    """The bundle's folder on this machine: a run's is inside it, one at a URL is fetched, a name is its champion's."""
    return locate(source.where, registry=source.registry).bundle


def follows(source: Source) -> bool:
    """Whether a registry decides which bundle answers."""
    return locate(source.where, registry=source.registry).revision is not None


def digest_at(source: Source) -> str:
    """What names the content of the bundle that lies at a source now: the digest of its list of digests.

    Raises:
        ModelError: there is no bundle.
    """
    folder = bundle_at(source)
    try:
        return hashlib.sha256((folder / SUMS).read_bytes()).hexdigest()[:DIGITS]
    except OSError as problem:
        raise ModelError(
            f"A bundle is a folder with {SUMS}. That of {source.name!r} has none now. Put it back."
        ) from problem


def open_version(name: str, source: Source, *, options: ServingOptions) -> Version:
    """Load a bundle as a version that can answer.

    Raises:
        ModelError: not a bundle, damaged, hostile, or replaced while it was read.
    """
    folder, before = bundle_at(source), digest_at(source)
    predictor = Predictor.load(folder)
    if digest_at(source) != before:
        raise ModelError(
            f"A bundle must stay while it is read. That of {name!r} was replaced. It is tried again later."
        )
    predictor.explainer = explainer_of(predictor, folder)
    return version_of(predictor, name=name, version=before, options=options)


def version_of(predictor: Predictor, *, name: str, version: str, options: ServingOptions) -> Version:
    """A predictor as a version that can answer.

    Args:
        predictor: loaded.
        name: what the model is called by.
        version: what names its content.
        options: limits of a request, and whether defaults are refused.
    """
    preprocessor, task = predictor.model.preprocessor, predictor.model.task
    limits = options.request
    schema = Schema.of(preprocessor, cell=limits.cell, rows=limits.rows, strict=options.strict)

    def answer(frame: pl.DataFrame) -> pl.DataFrame:
        return predictor.predict_typed(preprocessor.conform(frame))

    def explain(row: Mapping[str, Any], label: str | None) -> Mapping[str, Any]:
        # Without neighbours: those are rows of the training data, and not for whoever may ask this server.
        told = to_json(predictor.explain(dict(row), label=label, neighbours=False))
        return dict(told)

    return Version(
        model=name,
        version=version,
        schema=schema,
        task=task.kind,
        labels=tuple(getattr(task, "labels", ())),
        target=preprocessor.table.target,
        answer=answer,
        explain=explain if predictor.explainer is not None else None,
        example=example_row(schema, preprocessor),
    )


def open_shelf(sources: Sequence[Source], options: ServingOptions) -> Shelf:
    """Load all bundles, in order.

    Raises:
        PlanError: none, or the same bundle twice under one name.
        ModelError: one cannot be loaded.
    """
    if not sources:
        raise PlanError("A server needs a bundle. Got none. Name one, such as runs/NAME/bundle.")
    places = [Place(source=one, version=open_version(one.name, one, options=options)) for one in sources]
    known: set[tuple[str, str]] = set()
    for place in places:
        name, version = place.version.model, place.version.version
        if (name, version) in known:
            raise PlanError(f"A model's versions must differ. {name!r} has the same bundle twice. Name it once.")
        known.add((name, version))
    return Shelf(places)


def serve_story(
    sources: Sequence[Source],
    options: ServingOptions,
    *,
    listening: socket.socket | None = None,
    say: Callable[[str], None],
) -> Ended:
    """Load, try, listen, and serve until a signal comes.

    Args:
        sources: the bundles; the first is the default.
        options: of the server.
        listening: a socket that listens already, or None.
        say: hears what an operator should know.

    Returns:
        How it ended.

    Raises:
        PlanError: it would be reached from elsewhere without a token.
        ModelError: a bundle that cannot be loaded, or does not answer.
        ServingError: the address is not free, or the log cannot be written.
    """
    from tunewright.serving.http.running import run

    check_reach(options)
    if options.watch is None and any(follows(source) for source in sources):
        options = replace(options, watch=FOLLOWED)
    held = listening or listen(options.host, options.port)  # taken before the minutes that loading may take
    with held:
        service = open_service(options, open_shelf(sources, options))
        bundles = Bundles(digest=digest_at, load=partial(open_version, options=options))
        try:
            background = partial(keep_fresh, service=service, bundles=bundles, say=say)
            return run(service, held, background=background, say=say)
        finally:
            close_service(service)
