"""examples/ray_serve.py on a cluster of this machine."""

from __future__ import annotations

import importlib.util
import json
import urllib.error
import urllib.request
from pathlib import Path
from unittest import mock

import pytest

EXAMPLE = Path(__file__).parents[1] / "examples/ray_serve.py"


def loaded():
    specification = importlib.util.spec_from_file_location("ray_serve_example", EXAMPLE)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def bundle(make_rows, tiny_model, tmp_path):
    import tunewright as tw

    frame = make_rows("mixed", 150, 0).drop("part", "worth")
    model = {"name": str(tiny_model), "train": "head"}
    tw.run(frame, target="y", out=tmp_path / "run", columns={"y": "category"}, model=model)
    return tmp_path / "run" / "bundle", frame.drop("y").head(5).to_dicts()


@pytest.mark.filterwarnings("ignore")
def test_a_replica_answers_in_batches_and_names_wrong_rows(bundle):
    """The replica's own code, without a cluster."""
    import asyncio

    pytest.importorskip("ray.serve", exc_type=ImportError)
    import tunewright as tw

    module = loaded()
    where, rows = bundle
    replica = module.Model.func_or_class(str(where))

    class Asked:
        def __init__(self, body):
            self.body = body

        async def json(self):
            return self.body

    async def go():
        good = await replica(Asked({"rows": rows}))
        return good, await replica(Asked({"rows": [{"messages": "a"}]})), await replica(Asked([1]))

    good, wrong, none = asyncio.run(go())
    expected = tw.load(where).predict(rows)["prediction"].to_list()
    assert [one["prediction"] for one in json.loads(good.body)["predictions"]] == expected
    assert wrong.status_code == 422 and "messages" in wrong.body.decode()
    assert none.status_code == 422


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_example_serves_on_a_cluster(bundle, ray_nodes):
    pytest.importorskip("ray.serve", exc_type=ImportError)
    import ray
    from ray import serve

    where, rows = bundle
    with mock.patch.dict("os.environ", {"RAY_ADDRESS": ray_nodes.address}):
        ray.init(address=ray_nodes.address, logging_level="ERROR")
        try:
            serve.run(loaded().app({"bundle": str(where)}), route_prefix="/")
            request = urllib.request.Request(
                "http://127.0.0.1:8000/", json.dumps({"rows": rows}).encode(), {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert len(json.load(answer)["predictions"]) == 5
        finally:
            serve.shutdown()
            ray.shutdown()
