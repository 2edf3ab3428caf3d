"""The FastAPI app of a service."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tunewright.serving.http import pages, routes
from tunewright.serving.http.gate import Gate
from tunewright.serving.http.replies import refusal, reply
from tunewright.serving.http.routes import Handler, endpoint
from tunewright.serving.http.spec import REFUSALS, TIMEOUT, body, path, query, responses, schemas
from tunewright.serving.refusals import Refused
from tunewright.serving.service import Service
from tunewright.version import __version__

WHICH = [query("model"), query("version"), TIMEOUT]
MODEL, VERSION = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"


def build_app(service: Service) -> Gate:
    """The whole HTTP side of a service, as an ASGI app.

    What FastAPI brings of documentation pages loads scripts from elsewhere; `/docs` is our own, and loads nothing.
    """
    # The errors of a framework tell more than a client needs; every handler answers its own (`endpoint`).
    app = FastAPI(title="Tunewright", version=__version__, openapi_url=None, docs_url=None, redoc_url=None)
    app.router.redirect_slashes = False
    _add_own(app, service)
    _add_protocol(app, service)
    _add_pages(app, service)
    app.add_exception_handler(HTTPException, _not_routed)
    return Gate(app, service)


def _add_own(app: FastAPI, service: Service) -> None:
    def add(method: str, where: str, handler: Handler, answers: dict[int | str, Any], extra: dict[str, Any]) -> None:
        app.add_api_route(
            where,
            endpoint(service, handler),
            methods=[method],
            responses=answers,
            response_class=Response,
            openapi_extra=extra,
            operation_id=handler.__name__,
        )

    add(
        "POST",
        "/predict",
        routes.predict,
        responses("PredictResponse", *REFUSALS),
        {"requestBody": body("PredictRequest"), "parameters": WHICH},
    )
    add(
        "POST",
        "/explain",
        routes.explain,
        responses("ExplainResponse", *REFUSALS),
        {"requestBody": body("ExplainRequest"), "parameters": WHICH},
    )
    add("GET", "/models", routes.models, responses("Any", 401, 403), {})
    add("GET", "/metrics", routes.metrics, responses(None, 401, 403), {})
    add("GET", "/health/live", routes.live, responses("Any", 503), {})
    add("GET", "/health/ready", routes.ready, responses("Any", 503), {})


def _add_protocol(app: FastAPI, service: Service) -> None:
    """The Open Inference Protocol."""
    wrong = (400, *REFUSALS)

    def add(method: str, where: str, handler: Handler, schema: str, extra: dict[str, Any], name: str) -> None:
        parameters = [path(part) for part in ("name", "version") if f"{{{part}}}" in where]
        extra = {**extra, "parameters": [*parameters, *extra.get("parameters", ())]}
        app.add_api_route(
            where,
            endpoint(service, handler),
            methods=[method],
            responses=responses(schema, *wrong, error="InferenceError"),
            response_class=Response,
            openapi_extra=extra,
            operation_id=name,
        )

    add("GET", "/v2", routes.server, "Any", {}, "v2_server")
    add("GET", "/v2/health/live", routes.live, "Any", {}, "v2_live")
    add("GET", "/v2/health/ready", routes.ready, "Any", {}, "v2_ready")
    inference = {"requestBody": body("InferenceRequest"), "parameters": [TIMEOUT]}
    for where, name in ((MODEL, "model"), (VERSION, "version")):
        add("GET", where, routes.metadata, "Any", {}, f"v2_{name}_metadata")
        add("GET", f"{where}/ready", routes.model_ready, "Any", {}, f"v2_{name}_ready")
        add("POST", f"{where}/infer", routes.infer, "InferenceResponse", inference, f"v2_{name}_infer")


def _add_pages(app: FastAPI, service: Service) -> None:
    async def openapi(service: Service, request: Request) -> Response:
        """The description of all paths."""
        return reply(describe(app, service))

    async def docs(service: Service, request: Request) -> Response:
        """The same for people."""
        return pages.docs(describe(app, service))

    async def page(service: Service, request: Request) -> Response:
        """A page to try a model with."""
        return pages.page()

    for where, handler in (("/openapi.json", openapi), ("/docs", docs), ("/", page)):
        app.add_api_route(
            where, endpoint(service, handler), methods=["GET"], response_class=Response, include_in_schema=False
        )


def describe(app: FastAPI, service: Service) -> dict[str, Any]:
    """The OpenAPI description as of now: a swapped model may read other columns."""
    found = get_openapi(title=app.title, version=app.version, routes=app.routes)
    parts = found.setdefault("components", {})
    parts["schemas"] = {**parts.get("schemas", {}), **schemas(service.shelf.find())}
    if service.options.token is not None:
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


async def _not_routed(request: Request, problem: Exception) -> Response:
    """A path or a method that no route has."""
    status = problem.status_code if isinstance(problem, HTTPException) else 404
    text = "This path does not take that method." if status == 405 else "There is no such path. See /docs."
    answer = refusal(request.scope, Refused(status, text))
    for name, value in (getattr(problem, "headers", None) or {}).items():
        answer.headers[name] = value
    return answer
