"""What each path answers."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tunewright.errors import DataError
from tunewright.serving.answers import Answer
from tunewright.serving.http.reading import read_explained, read_rows, read_top
from tunewright.serving.http.replies import Gone, read_json, refusal, reply, seconds_of, while_there
from tunewright.serving.http.tensors import inputs_of, outputs_of, read_tensors, write_tensors
from tunewright.serving.models import Version
from tunewright.serving.refusals import Refused
from tunewright.serving.schema import Input
from tunewright.serving.service import Service
from tunewright.version import __version__

Handler = Callable[[Service, Request], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(service: Service, handler: Handler) -> Endpoint:
    """A handler as the framework calls it: whatever goes wrong becomes an answer that tells nothing of the inside."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(service, request)
        except Refused as refused:
            return refusal(request.scope, refused)
        except Gone:
            return Response(status_code=499)
        except Exception as problem:
            told = f"Request {_id(request)} failed: {type(problem).__name__}."
            print(told, file=sys.stderr, flush=True)
            message = "The server could not answer. This is its own fault; the same request may fail again."
            return refusal(request.scope, Refused(500, message))

    answered.__doc__ = handler.__doc__
    answered.__name__ = handler.__name__
    return answered


async def predict(service: Service, request: Request) -> Response:
    """Predict for rows."""
    version = _version(service, request)
    body = await read_json(request, service.options.request)
    rows = read_rows(version.schema, body)
    top = read_top(body, len(version.labels))
    work = service.batcher.submit(version, rows, seconds=seconds_of(request))
    answers: Sequence[Answer] = await while_there(request, work)
    service.keep(_id(request), version, rows, answers)
    value = {
        "model": version.model,
        "version": version.version,
        "id": _id(request),
        "predictions": [_shortened(answer, top) for answer in answers] if top < len(version.labels) else answers,
        "notes": [note.shown() for note in rows.notes],
    }
    return reply(value)


async def explain(service: Service, request: Request) -> Response:
    """Say why rows get their answers."""
    version = _version(service, request)
    explain_one = version.explain
    if explain_one is None or not service.options.explain:
        raise Refused(404, "This server does not explain. Start it without --no-explain.")
    body = await read_json(request, service.options.request)
    rows, label = read_explained(version.schema, body, service.options.request.explained)

    def work() -> list[Mapping[str, Any]]:
        return [explain_one(row, label) for row in rows]

    try:
        found = await while_there(request, service.batcher.ask(work, seconds=seconds_of(request)))
    except DataError:
        labels = ", ".join(version.labels[:20])
        raise Refused(422, f"label must be one that the model knows: {labels}. Name one, or leave it out.") from None
    value = {"model": version.model, "version": version.version, "id": _id(request), "explanations": found}
    return reply(value)


async def infer(service: Service, request: Request) -> Response:
    """Predict for tensors."""
    version = _named(service, request)
    body = await read_json(request, service.options.request)
    rows = read_tensors(version.schema, body)
    asked, name = body.get("outputs"), body.get("id")
    if name is not None and not isinstance(name, str):
        raise Refused(400, "id must be a text. Leave it out to get one.")
    work = service.batcher.submit(version, rows, seconds=seconds_of(request))
    answers: Sequence[Answer] = await while_there(request, work)
    service.keep(_id(request), version, rows, answers)
    value = {
        "model_name": version.model,
        "model_version": version.version,
        "id": name or _id(request),
        "outputs": write_tensors(version, answers, asked),
    }
    return reply(value)


async def models(service: Service, request: Request) -> Response:
    """What is served."""
    default = service.shelf.find()
    told = [
        {
            "name": one.model,
            "version": one.version,
            "default": one is default,
            "task": one.task,
            "target": one.target,
            "labels": list(one.labels),
            "columns": [_column(column) for column in one.schema.inputs],
            "example": dict(one.example),
            "explains": one.explain is not None and service.options.explain,
        }
        for one in service.shelf.versions()
    ]
    return reply({"models": told})


async def metadata(service: Service, request: Request) -> Response:
    """A model's tensors."""
    version = _named(service, request)
    versions = [one.version for one in service.shelf.versions() if one.model == version.model]
    return reply(
        {
            "name": version.model,
            "versions": versions,
            "platform": "tunewright",
            "inputs": inputs_of(version.schema),
            "outputs": outputs_of(version),
        }
    )


async def server(service: Service, request: Request) -> Response:
    """The server's name and version."""
    return reply({"name": "tunewright", "version": __version__, "extensions": []})


async def live(service: Service, request: Request) -> Response:
    """Whether the process works."""
    return reply({"live": True}) if service.batcher.alive else reply({"live": False}, status=503)


async def ready(service: Service, request: Request) -> Response:
    """Whether a request that came now could be answered."""
    return reply({"ready": service.ready}, status=200 if service.ready else 503)


async def model_ready(service: Service, request: Request) -> Response:
    """The same of one model."""
    version = _named(service, request)
    value = {"name": version.model, "ready": service.ready}
    return reply(value, status=200 if service.ready else 503)


async def metrics(service: Service, request: Request) -> Response:
    """Counts and durations for Prometheus."""
    body, kind = service.metrics.text()
    return Response(body, headers={"content-type": kind})


def _id(request: Request) -> str:
    return str(request.scope.get("tunewright.id", ""))


def _version(service: Service, request: Request) -> Version:
    """The model that the query names, or the default one."""
    query = request.query_params
    return service.shelf.find(query.get("model"), query.get("version"))


def _named(service: Service, request: Request) -> Version:
    """The model that the path names."""
    path = request.path_params
    return service.shelf.find(path["name"], path.get("version"))


def _column(column: Input) -> dict[str, Any]:
    told: dict[str, Any] = {"name": column.name, "kind": column.kind, "required": column.required}
    if column.kind == "category":
        told["values"] = sorted(column.values)
    return told


def _shortened(answer: Answer, top: int) -> Answer:
    """The answer with the likeliest labels only."""
    probabilities = answer.get("probabilities")
    if probabilities is None:
        return answer
    likely = sorted(probabilities.items(), key=lambda item: -item[1])[:top]
    return {**answer, "probabilities": dict(likely)}
