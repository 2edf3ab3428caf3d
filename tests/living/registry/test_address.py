"""MODEL means one thing: a champion, a version, or a bundle wherever it lies."""

import pytest

from tunewright.errors import ModelError, PlanError, RegistryError
from tunewright.living.adding import add_version
from tunewright.living.address import VARIABLE, locate, registry_folder
from tunewright.living.promoting import promote, rollback


@pytest.fixture
def filled(registry, bundle):
    for weights in (b"1", b"2"):
        add_version(registry, "m", bundle(weights), who="ann")
    promote(registry, "m", 1, who="ann", check=lambda path: None)
    return registry


def found(model, registry):
    return locate(model, registry=registry.folder)


def test_a_name_is_its_champion(filled):
    first = found("m", filled)
    assert (first.bundle, first.name, first.version) == (filled.bundle("m", 1), "m", 1)
    assert first.revision == filled.champion("m").revision
    promote(filled, "m", 2, who="ann", why="asked to", check=lambda path: None)
    second = found("m", filled)
    assert second.bundle == filled.bundle("m", 2) and second.revision > first.revision
    rollback(filled, "m", who="ann", check=lambda path: None)
    assert found("m", filled).bundle == first.bundle and found("m", filled).revision > second.revision


def test_a_version_is_that_version(filled):
    told = found("m@2", filled)
    assert (told.bundle, told.version, told.revision) == (filled.bundle("m", 2), 2, None)
    with pytest.raises(PlanError, match="1 to 2"):
        found("m@3", filled)
    for written in ("m@0", "m@", "m@x", "m@-1", "m@1.0"):
        with pytest.raises(PlanError, match="version must be written"):
            found(written, filled)


def test_a_name_without_a_champion_says_what_to_do(registry, bundle):
    add_version(registry, "m", bundle(), who="ann")
    with pytest.raises(PlanError, match=r"has none yet.*promote m\).*m@1"):
        found("m", registry)


def test_a_place_is_a_bundle(filled, bundle, tmp_path, monkeypatch):
    source = bundle(b"3")
    assert found(str(source), filled).bundle == source
    assert found(source, filled) == found(str(source), filled)
    monkeypatch.chdir(tmp_path)
    assert found(f"./{source.name}", filled).bundle.resolve() == source.resolve()
    assert found(source.name, filled).bundle.resolve() == source.resolve()
    assert found(source.name, filled).name is None


def test_a_run_folder_is_its_bundle(filled, fake, tmp_path):
    run = tmp_path / "runs" / "one"
    fake(run / "bundle")
    (run / "journal.jsonl").write_text("")
    assert found(str(run), filled).bundle == run / "bundle"


def test_what_could_be_either_is_refused(filled, fake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m").mkdir()
    assert found("m", filled).version == 1  # an empty folder is no rival
    (tmp_path / "m").rmdir()
    fake(tmp_path / "m")
    with pytest.raises(PlanError, match=r"must mean one thing.*\./m.*m@VERSION"):
        found("m", filled)
    assert found("./m", filled).name is None
    assert found("m@1", filled).version == 1


def test_neither_says_what_there_is(filled, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"has 'm'.*no such folder"):
        found("n", filled)
    with pytest.raises(ModelError, match="is empty"):
        locate("n", registry=tmp_path / "none")


def test_a_bundle_that_was_exchanged_is_not_served(filled, signed):
    copy = filled.bundle("m", 1)
    (copy / "head.safetensors").write_bytes(b"another")
    signed(copy)
    with pytest.raises(RegistryError, match="must be the one that was added"):
        found("m", filled)


def test_where_the_registry_is(tmp_path, monkeypatch):
    monkeypatch.setenv("TUNEWRIGHT_HOME", str(tmp_path / "home"))
    assert registry_folder() == tmp_path / "home" / "registry"
    monkeypatch.setenv(VARIABLE, str(tmp_path / "shared"))
    assert registry_folder() == tmp_path / "shared"
    assert registry_folder(tmp_path / "given") == tmp_path / "given"
