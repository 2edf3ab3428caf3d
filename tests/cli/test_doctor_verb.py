"""`tunewright doctor`."""

import pytest


@pytest.fixture(autouse=True)
def tiny_instead(tiny_model, monkeypatch):
    """Measure on the tiny model: what is tested is the verb, not the machine."""
    from tunewright.models import backbone

    real = backbone.locate
    monkeypatch.setattr(backbone, "locate", lambda name: real(str(tiny_model)))


def test_json_says_what_the_machine_has(call):
    said = call("doctor", "--json")
    assert said.code == 0
    assert {"machine", "precision", "libraries", "model", "cache", "extras"} <= set(said.json)
    assert said.json["machine"]["cores"] >= 1
    assert said.json["precision"]["precision"] in ("float32", "bfloat16")
    assert set(said.json["extras"]) == {"openvino", "mlflow", "tensorboard", "trackio", "ray", "pandas", "s3"}
    for extra in said.json["extras"].values():
        assert (extra["version"] is None) == bool(extra["install"])


def test_text_is_for_people(call):
    said = call("doctor")
    assert said.code == 0
    assert "A run here uses" in said.out


def test_a_cache_that_cannot_be_written_is_a_problem(call, tmp_path):
    (tmp_path / "file").write_text("")
    said = call("doctor", "--json", home=tmp_path / "file")
    assert said.code == 1
    assert said.json["ok"] is False
    assert "TUNEWRIGHT_HOME" in said.json["problems"][0]


def test_a_tampered_model_is_a_problem(call, monkeypatch):
    from tunewright.errors import ModelError
    from tunewright.models import backbone

    def refuse(name):
        raise ModelError("The digest is another.")

    monkeypatch.setattr(backbone, "locate", refuse)
    said = call("doctor", "--json")
    assert said.code == 1
    assert "The digest is another." in said.json["problems"]
