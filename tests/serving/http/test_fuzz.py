"""Malformed requests, of bytes and from the server's own description (FAULTS 28): no crash, no traceback, no path."""

from __future__ import annotations

import http.client
import json
import random
import re
import socket
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

INSIDE = re.compile(rb"Traceback|File \"|/home/|/usr/|/tmp/|/work/|site-packages|\.py\b|Error:")
GOOD = (
    b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 31\r\n"
    b'\r\n{"rows":[{"message":"a word"}]}'
)
STATUSES = {200, 400, 403, 404, 405, 408, 413, 415, 422, 429, 500, 503}


def mutations(draw: random.Random, count: int):
    """A good request with bytes changed, cut, doubled, moved; and plain noise."""
    for _ in range(count):
        kind = draw.randrange(6)
        data = bytearray(GOOD)
        if kind == 0:
            for _ in range(draw.randint(1, 8)):
                data[draw.randrange(len(data))] = draw.randrange(256)
        elif kind == 1:
            del data[draw.randrange(len(data)) :]
        elif kind == 2:
            a, b = sorted(draw.randrange(len(data)) for _ in range(2))
            data[a:a] = data[a:b] * draw.randint(1, 5)
        elif kind == 3:
            data = bytearray(draw.randbytes(draw.randint(1, 300)))
        elif kind == 4:
            body = bytearray(GOOD.partition(b"\r\n\r\n")[2])
            for _ in range(draw.randint(1, 6)):
                body[draw.randrange(len(body))] = draw.choice(b'{}[]",:\\x00\xff\x80 e9-')
            data = bytearray(GOOD.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body)
        else:
            line = draw.choice([b"TRACE", b"CONNECT", b"PRI", b"GET", b"POST", b"OPTIONS"])
            target = draw.choice(
                [b"*", b"//", b"/%00", b"/../../etc/passwd", b"http://a/", b"/v2/models/%2e%2e/infer", b"/\xff"]
            )
            data = bytearray(
                line
                + b" "
                + target
                + b" HTTP/"
                + draw.choice([b"1.1", b"1.0", b"9.9", b"2.0", b"x"])
                + b"\r\nHost: localhost\r\n\r\n"
            )
        yield bytes(data)


def exchange(port, data):
    """Everything the server says to some bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        try:
            raw.sendall(data)
            raw.settimeout(0.01)
            try:
                said = raw.recv(65536)
            except TimeoutError:  # the server waits for more, and learns that there is none
                said = b""
            raw.settimeout(10)
            raw.shutdown(socket.SHUT_WR)
            while part := raw.recv(65536):
                said += part
        except ConnectionError:
            return b""
        return said


def check_malformed(served, count, seed):
    for data in mutations(random.Random(seed), count):
        said = exchange(served.port, data)
        assert not INSIDE.search(said), (data, said)
        for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", said):
            assert int(status) in STATUSES and int(status) != 500, (data, said)
    assert served.predict("a").status == 200
    assert served.thread.is_alive()


def test_malformed_bytes(served, capfd):
    check_malformed(served, 600, 11)
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.slow
def test_a_hundred_thousand_malformed_requests(served, capfd):
    check_malformed(served, 100_000, 12)
    assert "Traceback" not in "".join(capfd.readouterr())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
near_bodies = st.fixed_dictionaries(
    {},
    optional={
        "rows": json_values
        | st.lists(
            st.dictionaries(st.sampled_from(["message", "amount", "plan", "team", "x"]), json_values), max_size=3
        ),
        "columns": json_values
        | st.dictionaries(st.sampled_from(["message", "amount", "plan", "x"]), st.lists(json_values, max_size=3)),
        "top": json_values,
        "label": json_values,
        "inputs": json_values
        | st.lists(
            st.fixed_dictionaries(
                {"name": st.sampled_from(["message", "amount", "x"]) | json_values},
                optional={
                    "shape": json_values,
                    "datatype": st.sampled_from(["BYTES", "FP64", "BOOL", "X"]),
                    "data": json_values,
                },
            ),
            max_size=3,
        ),
        "outputs": json_values,
        "id": json_values,
    },
)


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(["/predict", "/explain", "/v2/models/tickets/infer"]), body=near_bodies | json_values)
def test_any_json_is_answered_or_refused(served, path, body):
    said = served.ask("POST", path, body)
    assert said.status in STATUSES - {500}, (body, said.body)
    assert not INSIDE.search(said.body)
    if said.status == 200 and path == "/predict":
        assert said.json["predictions"]


def value_for(schema, described):
    """Values that a schema of the description allows, and some that it does not."""
    if "$ref" in schema:
        return value_for(described["components"]["schemas"][schema["$ref"].rpartition("/")[2]], described)
    kinds = schema.get("type", "object")
    made = []
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind == "object":
            fields = {name: value_for(one, described) for name, one in schema.get("properties", {}).items()}
            required = {name: fields.pop(name) for name in schema.get("required", ()) if name in fields}
            made.append(st.fixed_dictionaries(required, optional=fields))
        elif kind == "array":
            made.append(
                st.lists(value_for(schema.get("items", {}), described), min_size=schema.get("minItems", 0), max_size=3)
            )
        elif kind == "string":
            made.append(
                st.sampled_from(schema["enum"])
                if "enum" in schema
                else st.text(min_size=schema.get("minLength", 0), max_size=30)
            )
        elif kind == "integer":
            made.append(st.integers(schema.get("minimum", -5), schema.get("maximum", 2**40)))
        elif kind == "number":
            made.append(st.floats(allow_nan=False, allow_infinity=False))
        else:
            made.append(st.booleans() if kind == "boolean" else st.none())
    return st.one_of(made)


def test_what_the_description_promises_holds(served):
    """Every operation, with bodies drawn from its own schema: statuses it tells of, bodies of the schema it tells."""
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    described = served.ask("GET", "/openapi.json").json
    root = Resource.from_contents({"$id": "urn:api", **described}, default_specification=DRAFT202012)
    registry = Registry().with_resource("urn:api", root)

    def check(operation, said):
        told = operation["responses"]
        assert str(said.status) in told and said.status != 500, (operation["operationId"], said.status, said.body)
        schema = told[str(said.status)].get("content", {}).get("application/json", {}).get("schema")
        if schema is not None:
            absolute = {"$ref": f"urn:api{schema['$ref']}"}
            Draft202012Validator(absolute, registry=registry).validate(said.json)

    @settings(max_examples=120)
    @given(data=st.data())
    def drawn(data):
        where = data.draw(st.sampled_from(sorted(described["paths"])))
        method = data.draw(st.sampled_from(sorted(described["paths"][where])))
        operation = described["paths"][where][method]
        names = {"name": "tickets", "version": "v1"}
        path = where
        for part in re.findall(r"{(\w+)}", where):
            value = data.draw(
                st.sampled_from([names[part]]) | st.text(min_size=1, max_size=9).filter(lambda t: t not in "./.")
            )
            path = path.replace(f"{{{part}}}", quote(value, safe=""))
        query, headers = {}, {}
        for one in operation.get("parameters", ()):
            if one["in"] == "query" and data.draw(st.booleans()):
                query[one["name"]] = data.draw(st.text(max_size=9))
            if one["in"] == "header" and data.draw(st.booleans()):
                headers[one["name"]] = str(data.draw(st.integers(200, 10_000)))
        body = None
        if "requestBody" in operation:
            body = data.draw(value_for(operation["requestBody"]["content"]["application/json"]["schema"], described))
        path += f"?{urlencode(query)}" if query else ""
        check(operation, served.ask(method.upper(), path, body, headers))

    drawn()


def test_a_row_of_the_descriptions_schema_is_answered(served):
    """What the description calls a row is one: nothing that fits it is refused for its form."""
    described = served.ask("GET", "/openapi.json").json

    @settings(max_examples=60)
    @given(row=value_for(described["components"]["schemas"]["Row"], described))
    def drawn(row):
        said = served.ask("POST", "/predict", {"rows": [row]})
        problems = said.json.get("error", {}).get("problems", [])
        # NUL and the word "poison" of the pretended model are all that may be wrong with it.
        assert said.status == 200 or any("NUL" in one["what"] for one in problems), (row, said.body)

    drawn()


def test_schemathesis_finds_nothing(served):
    """The same by a tool that others use for it."""
    schemathesis = pytest.importorskip("schemathesis")
    schema = schemathesis.openapi.from_dict(served.ask("GET", "/openapi.json").json)
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) > 10
    for operation in operations:

        @settings(max_examples=8, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy())
        def calls(case):
            connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
            headers = {
                name: value
                for name, value in dict(case.headers or {}).items()
                if value.isprintable() and value.isascii()
            }
            body = None
            if isinstance(case.body, dict | list):
                body, headers["Content-Type"] = json.dumps(case.body).encode(), "application/json"
            path = case.formatted_path + (f"?{urlencode(dict(case.query))}" if case.query else "")
            connection.request(case.method, quote(path, safe="/?&=%+"), body=body, headers=headers)
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
            assert answer.status in STATUSES - {500}, (case, text)
            assert not INSIDE.search(text)

        calls()
