"""A bundle on a Ray cluster: replicas over machines, rows of many requests answered together.

    serve run examples.ray_serve:app bundle=s3://my-bucket/runs/best/bundle replicas=4

Every node needs the same release of Tunewright and Ray. Ray Serve asks for no token: keep its port closed to the world.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse

import tunewright as tw
from tunewright.serving.refusals import Refused
from tunewright.serving.schema import Schema

ROWS = 64  # of a batch


@serve.deployment(max_ongoing_requests=256)
class Model:
    """One replica: a bundle in memory, its schema before it."""

    def __init__(self, bundle: str) -> None:
        self.predictor = tw.load(bundle)
        self.schema = Schema.of(self.predictor.model.preprocessor)

    @serve.batch(max_batch_size=ROWS, batch_wait_timeout_s=0.002)
    async def answer(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Answer rows that came in different requests."""
        # The model computes in a thread, so that requests go on arriving meanwhile.
        frame = await asyncio.to_thread(self.predictor.predict, rows)
        return frame.to_dicts()

    async def __call__(self, request: Request) -> JSONResponse:
        """Answer `{"rows": [{...}]}`; rows that do not fit the bundle are named with status 422."""
        try:
            rows = (await request.json())["rows"]
            self.schema.of_rows(rows)
        except Refused as refused:
            return JSONResponse({"error": refused.body()}, status_code=refused.status)
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": {"message": 'Send {"rows": [{...}]}.'}}, status_code=422)
        return JSONResponse({"predictions": await asyncio.gather(*map(self.answer, rows))})


def app(arguments: dict[str, str]) -> serve.Application:
    """What `serve run` starts: `bundle=…`, and `replicas=…` where one is not enough."""
    replicas = int(arguments.get("replicas", "1"))
    return Model.options(num_replicas=replicas).bind(arguments["bundle"])
