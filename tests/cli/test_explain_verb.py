"""`tunewright explain`: a text, a row, a file, a run."""

import json


def test_explain_a_text(finished, call):
    said = call("explain", finished.folder, "bako lili nope", "--json")
    said = call("explain", finished.folder, '{"text": "bako lili nope", "size": 3}', "--json")
    print(json.dumps(said.json, indent=1)[:3000], said.err)
    said = call("explain", finished.bundle, '{"text": "bako lili nope", "size": 3}')
    print(said.out)
    said = call("explain", finished.folder)
    print(said.out)
    raise AssertionError
