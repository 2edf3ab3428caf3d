"""What the paths answer."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from tunewright.serving.models import Place, Shelf


def test_rows_are_predicted(served):
    said = served.ask("POST", "/predict", {"rows": [{"message": "a", "amount": 2}, {"message": "bb", "plan": "pro"}]})
    assert said.status == 200
    assert said.headers["content-type"] == "application/json"
    assert [one["prediction"] for one in said.json["predictions"]] == ["odd", "even"]
    assert said.json["predictions"][0]["probabilities"] == {"even": 0.1, "odd": 0.9}
    assert (said.json["model"], said.json["version"], said.json["notes"]) == ("tickets", "v1", [])
    assert said.json["id"] == said.headers["x-request-id"]


@pytest.mark.parametrize(
    "body",
    [
        {"rows": {"message": "a"}},
        {"columns": {"message": ["a"]}},
        {"columns": {"message": "a"}},
        {"columns": {"message": ["a"], "amount": [None], "team": ["known and not read"]}},
    ],
)
def test_one_row_in_every_form(served, body):
    said = served.ask("POST", "/predict", body)
    assert said.status == 200
    assert [one["prediction"] for one in said.json["predictions"]] == ["odd"]


def test_a_text_will_do_where_a_model_reads_nothing_else(serve, fake, make_schema):
    schema = make_schema()
    version = replace(fake.made(), schema=replace(schema, inputs=schema.inputs[:1]), example={"message": "hello"})
    served = serve(Shelf([Place(None, version)]))
    assert len(served.ask("POST", "/predict", {"rows": ["a", "bb"]}).json["predictions"]) == 2
    assert served.ask("POST", "/explain", {"rows": "a"}).status == 200


@pytest.mark.parametrize(("top", "names"), [(0, set()), (1, {"odd"}), (9, {"odd", "even"})])
def test_as_many_probabilities_as_asked_for(served, top, names):
    said = served.ask("POST", "/predict", {"rows": [{"message": "a"}], "top": top})
    assert set(said.json["predictions"][0]["probabilities"]) == names


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ([], "must be an object"),
        ({}, "either rows or columns"),
        ({"rows": [], "columns": {}}, "either rows or columns"),
        ({"rows": []}, "between 1 and 2,000 rows"),
        ({"rows": [1]}, "Each row must be an object"),
        ({"columns": []}, "must be an object of lists"),
        ({"columns": {}}, "Columns must be lists"),
        ({"rows": [{"message": "a"}], "top": -1}, "top must be"),
        ({"row": {"message": "a"}}, "either rows or columns"),
    ],
)
def test_a_wrong_body_is_told_what_a_right_one_is(served, body, part):
    said = served.ask("POST", "/predict", body)
    assert said.status == 422
    message = said.json["error"]["message"]
    assert part in message or (part == "either rows or columns" and "This one has more" in message)


def test_what_is_wrong_with_rows_is_named(served):
    said = served.ask("POST", "/predict", {"rows": [{"message": "a"}, {"mesage": "b", "amount": "many"}]})
    assert said.status == 422
    assert {(one["row"], one["column"]) for one in said.json["error"]["problems"]} == {
        (1, "mesage"),
        (1, "message"),
        (1, "amount"),
    }


def test_a_value_never_learned_is_noted(served):
    said = served.ask("POST", "/predict", {"rows": [{"message": "a", "plan": "gold"}]})
    (note,) = said.json["notes"]
    assert (note["row"], note["column"]) == (0, "plan")


def test_an_explanation(served):
    said = served.ask("POST", "/explain", {"rows": [{"message": "a"}], "label": "odd"})
    assert said.status == 200
    (one,) = said.json["explanations"]
    assert one["label"] == "odd" and one["tokens"][0]["text"] == "a"
    assert served.ask("POST", "/explain", {"rows": [{"message": "a"}] * 5}).status == 422
    assert served.ask("POST", "/explain", {"rows": [{"message": "a"}], "label": 3}).status == 422


def test_explaining_can_be_off(serve, shelf):
    assert serve(shelf, explain=False).ask("POST", "/explain", {"rows": [{"message": "a"}]}).status == 404


def test_health_and_readiness(serve, shelf):
    served = serve(shelf)
    for path in ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"):
        assert served.ask("GET", path).status == 200
    served.service.batcher.leaving = True
    assert served.ask("GET", "/health/ready").status == 503
    assert served.ask("GET", "/health/live").status == 200
    assert served.predict("a").status == 200  # still answers whoever has not heard of it


def test_models_are_listed_without_anybodys_rows(served):
    (model,) = served.ask("GET", "/models").json["models"]
    assert model["name"] == "tickets" and model["labels"] == ["even", "odd"] and model["explains"]
    assert [column["name"] for column in model["columns"]] == ["message", "amount", "plan"]
    assert model["columns"][2]["values"] == ["free", "pro"]


def test_several_models_and_versions(serve, make_fake):
    fakes = [make_fake(name="a", version="1"), make_fake(name="b", version="1"), make_fake(name="a", version="2")]
    served = serve(Shelf([Place(None, fake.made()) for fake in fakes]))
    body = {"rows": [{"message": "x"}]}
    answered = {
        path: (served.ask("POST", path, body).json["model"], served.ask("POST", path, body).json["version"])
        for path in ("/predict", "/predict?model=b", "/predict?model=a&version=1")
    }
    assert list(answered.values()) == [("a", "2"), ("b", "1"), ("a", "1")]
    assert "Did you mean" in served.ask("POST", "/predict?model=aa", body).json["error"]["message"]
    assert served.ask("POST", "/predict?model=a&version=3", body).status == 404
    assert served.ask("GET", "/v2/models/a").json["versions"] == ["1", "2"]
    tensors = {"inputs": [{"name": "message", "shape": [1], "datatype": "BYTES", "data": ["x"]}]}
    assert served.ask("POST", "/v2/models/a/versions/1/infer", tensors).json["model_version"] == "1"


def test_metrics_count_and_tell_nothing_of_a_request(serve, shelf):
    served = serve(shelf)
    served.predict("a secret text", "bb")
    served.ask("POST", "/predict", {"rows": [{"message": 1}]})
    served.ask("GET", "/somebody@mail.example")
    text = served.ask("GET", "/metrics").body.decode()
    assert 'tunewright_requests_total{route="/predict",status="200"} 1.0' in text
    assert 'tunewright_requests_total{route="/predict",status="422"} 1.0' in text
    assert 'tunewright_requests_total{route="other",status="404"} 1.0' in text
    assert re.search(r'tunewright_rows_total\{model="tickets"\} (\d+)', text)
    assert "secret" not in text and "mail.example" not in text


def test_the_protocol(served):
    assert served.ask("GET", "/v2").json["name"] == "tunewright"
    about = served.ask("GET", "/v2/models/tickets").json
    assert about["inputs"] == [
        {"name": "message", "datatype": "BYTES", "shape": [-1]},
        {"name": "amount", "datatype": "FP64", "shape": [-1]},
        {"name": "plan", "datatype": "BYTES", "shape": [-1]},
    ]
    assert served.ask("GET", "/v2/models/tickets/ready").json == {"name": "tickets", "ready": True}
    body = {
        "id": "mine",
        "inputs": [
            {"name": "message", "shape": [2, 1], "datatype": "BYTES", "data": [["a"], ["bb"]]},
            {"name": "amount", "shape": [2], "datatype": "FP32", "data": [1.5, 2]},
        ],
    }
    said = served.ask("POST", "/v2/models/tickets/infer", body)
    assert said.status == 200
    outputs = {one["name"]: one for one in said.json["outputs"]}
    assert (said.json["model_name"], said.json["model_version"], said.json["id"]) == ("tickets", "v1", "mine")
    assert outputs["prediction"] == {"name": "prediction", "datatype": "BYTES", "shape": [2], "data": ["odd", "even"]}
    assert outputs["probabilities"]["shape"] == [2, 2]
    assert outputs["probabilities"]["data"] == [0.1, 0.9, 0.9, 0.1]
    only = served.ask("POST", "/v2/models/tickets/infer", body | {"outputs": [{"name": "confidence"}]})
    assert [one["name"] for one in only.json["outputs"]] == ["confidence"]


@pytest.mark.parametrize(
    ("inputs", "status"),
    [
        (None, 400),
        ([], 400),
        ([1], 400),
        ([{"name": "message", "shape": [1], "datatype": "FP32", "data": [1]}], 400),
        ([{"name": "message", "shape": [2], "datatype": "BYTES", "data": ["a"]}], 400),
        ([{"name": "message", "shape": [1, 2], "datatype": "BYTES", "data": [["a", "b"]]}], 400),
        ([{"name": "message", "shape": "1", "datatype": "BYTES", "data": ["a"]}], 400),
        ([{"name": "message", "shape": [1], "datatype": "BYTES", "data": ["a"]}] * 2, 400),
        ([{"name": "amount", "shape": [1], "datatype": "FP64", "data": [1]}], 422),
        ([{"name": "colour", "shape": [1], "datatype": "BYTES", "data": ["a"]}], 422),
    ],
)
def test_the_protocols_errors_are_texts(served, inputs, status):
    said = served.ask("POST", "/v2/models/tickets/infer", {"inputs": inputs})
    assert said.status == status
    assert isinstance(said.json["error"], str) and said.json["error"]


def test_paths_and_methods_that_are_not_there(served):
    assert served.ask("GET", "/nothing").status == 404
    wrong = served.ask("GET", "/predict")
    assert wrong.status == 405 and wrong.headers["allow"] == "POST"
    assert wrong.json["error"]["message"]
    assert isinstance(served.ask("GET", "/v2/models/none").json["error"], str)


def test_the_description_fits_openapi(served):
    from jsonschema import Draft202012Validator

    described = served.ask("GET", "/openapi.json").json
    assert described["openapi"].startswith("3.1")
    assert {"/predict", "/explain", "/v2/models/{name}/infer", "/health/ready", "/metrics"} <= set(described["paths"])
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    row = described["components"]["schemas"]["Row"]
    assert row["required"] == ["message"]
    Draft202012Validator(row).validate(row["example"])
    assert all("parameters" in described["paths"]["/v2/models/{name}/infer"][method] for method in ("post",))


def test_pages_load_nothing_from_elsewhere_and_allow_one_script(served):
    for path in ("/", "/docs"):
        said = served.ask("GET", path)
        text, policy = said.body.decode(), said.headers["content-security-policy"]
        assert said.status == 200 and said.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in policy and "unsafe-inline" not in policy and "connect-src 'self'" in policy
        assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", text)
        assert "innerHTML" not in text and " style=" not in text and "onclick" not in text
        digests = re.findall(r"sha256-[A-Za-z0-9+/=]+", policy)
        assert len(digests) == text.count("<script>") + text.count("<style>")


def test_names_are_escaped_in_the_docs(serve, fake, make_schema):
    schema = make_schema()
    hostile = "<script>alert(1)</script>"
    column = replace(schema.inputs[0].column, name=hostile)
    schema = replace(schema, inputs=(replace(schema.inputs[0], column=column), *schema.inputs[1:]), texts=((hostile,),))
    version = replace(fake.made(), schema=schema, example={hostile: "a"}, answer=_constant)
    served = serve(Shelf([Place(None, version)]))
    text = served.ask("GET", "/docs").body.decode()
    assert hostile not in text and "&lt;script&gt;alert" in text


def _constant(frame):
    import polars as pl

    return pl.DataFrame({"prediction": ["even"] * frame.height, "confidence": [1.0] * frame.height})


def test_json_is_strict(served):
    assert json.loads(served.predict("a").body, parse_constant=lambda _: pytest.fail("no JSON"))
