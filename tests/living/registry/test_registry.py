"""Versions come in order, one serves, a change is whole or did not happen, and nobody can rewrite what was done."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
import time

import pytest

from tunewright.errors import ModelError, PlanError, RegistryError, RunError
from tunewright.living import ledger
from tunewright.living.adding import Brought, add_version
from tunewright.living.promoting import promote, rollback
from tunewright.living.registry import Registry, open_registry
from tunewright.living.tables import FILE, writing
from tunewright.records import Version, from_json, to_json
from tunewright.runfolder import check_folder

WHO = {"who": "ann"}


def unchecked(path):
    """These bundles cannot be loaded."""


def crown(registry, version, **options):
    return promote(registry, "m", version, check=unchecked, **{**WHO, "why": "asked to", **options})


def back(registry, **options):
    return rollback(registry, "m", check=unchecked, **{**WHO, **options})


@pytest.fixture
def filled(registry, bundle):
    """Three versions of m; the first serves."""
    for weights in (b"1", b"2", b"3"):
        add_version(registry, "m", bundle(weights), **WHO)
    crown(registry, 1)
    return registry


def stages(registry, name="m"):
    return [one.stage for one in registry.versions(name)]


def test_a_version_is_a_whole_copy_with_its_lineage(registry, bundle):
    source = bundle(b"1")
    brought = Brought(data=("more rows",), more={"gates": [{"name": "parity", "passed": True}]})
    added = add_version(registry, "m", source, why="first", brought=brought, **WHO)
    assert (added.version, added.stage, added.who, added.target, added.metric) == (
        1,
        "candidate",
        "ann",
        "team",
        "accuracy",
    )
    copy = registry.bundle("m", 1)
    assert check_folder(copy) == ()
    for file in source.iterdir():
        assert (copy / file.name).read_bytes() == file.read_bytes()
    about = json.loads((source / "tunewright.json").read_text())
    assert added.lineage.data == (about["data_fingerprint"], "more rows")
    assert (added.lineage.plan, added.lineage.weights) == (about["plan_digest"], about["weights_digest"])
    assert added.bytes == sum(file.stat().st_size for file in source.iterdir())
    assert added.evidence.more == {"gates": [{"name": "parity", "passed": True}]}
    assert registry.versions("m") == (added,)
    shutil.rmtree(source)
    assert check_folder(copy) == ()


def test_records_survive_json(filled):
    for one in (*filled.versions("m"), *filled.ledger()):
        assert from_json(type(one), json.loads(json.dumps(to_json(one)))) == one


def test_the_very_bundle_is_one_version(registry, bundle):
    source = bundle(b"1")
    first = add_version(registry, "m", source, **WHO)
    lines = registry.revision()
    assert add_version(registry, "m", source, **WHO) == first
    assert registry.revision() == lines
    assert add_version(registry, "other", source, **WHO).version == 1


def test_one_serves_and_the_former_retires(filled):
    assert stages(filled) == ["champion", "candidate", "candidate"]
    changed = crown(filled, 3)
    assert (changed.changed, changed.version, changed.former) == (True, 3, 1)
    assert stages(filled) == ["retired", "candidate", "champion"]
    champion = filled.champion("m")
    assert (champion.version, champion.revision) == (3, changed.revision)
    assert champion.folder == str(filled.bundle("m", 3))
    assert champion.digest == filled.version("m", 3).digest
    again = crown(filled, 3)
    assert (again.changed, again.revision) == (False, changed.revision)
    assert filled.revision() == changed.revision


def test_without_a_number_the_latest_candidate_is_promoted(filled):
    assert crown(filled, None).version == 3
    assert crown(filled, None).version == 2
    with pytest.raises(PlanError, match="every version has served already"):
        crown(filled, None)


def test_a_rollback_goes_one_champion_back_each_time(filled):
    crown(filled, 2)
    crown(filled, 3)
    assert back(filled, why="slow").version == 2
    assert stages(filled) == ["retired", "champion", "retired"]
    assert back(filled).version == 1
    with pytest.raises(PlanError, match="needs a champion before this one"):
        back(filled)
    assert filled.champion("m").version == 1
    crown(filled, 3)
    assert back(filled).version == 1


def test_revisions_grow_with_every_change_of_champion(filled):
    seen = [filled.champion("m").revision]
    for version in (2, 3):
        crown(filled, version)
        seen.append(filled.champion("m").revision)
    back(filled)
    seen.append(filled.champion("m").revision)
    assert seen == sorted(set(seen))


def test_a_promotion_needs_evidence_or_a_reason(filled, against):
    with pytest.raises(PlanError, match=r"needs evidence.*--data FILE.*--why TEXT"):
        crown(filled, 2, why="  ")
    assert filled.champion("m").version == 1
    for verdict in ("worse", "no evidence"):
        with pytest.raises(PlanError, match="needs evidence"):
            crown(filled, 2, why="", against=against(filled.version("m", 1), verdict))
    with pytest.raises(PlanError, match="needs evidence"):  # better than another than the champion
        crown(filled, 2, why="", against=against(filled.version("m", 3)))
    line = crown(filled, 2, why="", against=against(filled.version("m", 1))).line
    assert line.evidence["against"] == 1
    assert line.evidence["difference"] == {"value": 0.03, "low": 0.01, "high": 0.05, "n": 400}


def test_evidence_may_have_come_with_the_version(filled, bundle, against):
    champion = filled.version("m", 1)
    added = add_version(filled, "m", bundle(b"4"), brought=Brought(parent=1, against=(against(champion),)), **WHO)
    assert added.lineage.parent == 1
    assert filled.version("m", 4) == added
    assert crown(filled, 4, why="").line.evidence["against"] == 1
    added = add_version(filled, "m", bundle(b"5"), brought=Brought(against=(against(champion),)), **WHO)
    with pytest.raises(PlanError, match="needs evidence"):  # it was better than one that no longer serves
        crown(filled, added.version, why="")


def test_a_first_champion_needs_neither(registry, bundle):
    add_version(registry, "m", bundle(), **WHO)
    assert registry.champion("m") is None
    assert crown(registry, 1, why="").former is None


def test_what_cannot_be_loaded_never_serves(filled):
    with pytest.raises(ModelError):  # these are no models at all
        promote(filled, "m", 2, why="try", **WHO)
    assert stages(filled) == ["champion", "candidate", "candidate"]
    assert filled.problem() is None


def test_a_bundle_that_was_exchanged_never_serves(filled, signed):
    copy = filled.bundle("m", 2)
    (copy / "head.safetensors").write_bytes(b"another")
    with pytest.raises(ModelError, match="was changed"):
        crown(filled, 2)
    signed(copy)
    with pytest.raises(RegistryError, match="must be the one that was added"):
        crown(filled, 2)
    crown(filled, 3)
    (filled.bundle("m", 1) / "README.md").unlink()
    with pytest.raises(ModelError, match="missing"):
        back(filled)
    assert filled.champion("m").version == 3


@pytest.mark.parametrize("name", ["", ".m", "-m", "a/b", "../m", "m@1", "m.", "a b", "ä", "x" * 65, "m\n"])
def test_names_are_safe_file_names(registry, bundle, name):
    with pytest.raises(PlanError, match="name"):
        add_version(registry, name, bundle(), **WHO)
    assert not registry.folder.exists()


def test_names_differ_in_more_than_case(filled, bundle):
    with pytest.raises(PlanError, match="case"):
        add_version(filled, "M", bundle(b"4"), **WHO)
    assert filled.names() == ("m",)


def test_versions_answer_one_question(filled, bundle):
    with pytest.raises(ModelError, match="one question"):
        add_version(filled, "m", bundle(b"4", target="price"), **WHO)
    with pytest.raises(ModelError, match="one question"):
        add_version(filled, "m", bundle(b"4", task="regression"), **WHO)
    assert (
        add_version(filled, "m", bundle(b"4", task="binary"), **WHO).version == 4
    )  # a class more or less is no matter


def test_what_is_not_there_is_said_with_what_is(filled, bundle):
    with pytest.raises(PlanError, match="'m'"):
        filled.champion("n")
    with pytest.raises(PlanError, match="1 to 3"):
        filled.version("m", 4)
    with pytest.raises(PlanError, match="parent"):
        add_version(filled, "m", bundle(b"4"), brought=Brought(parent=9), **WHO)


def test_no_bundle_no_version(registry, tmp_path, bundle):
    with pytest.raises(ModelError, match="A bundle is a folder"):
        add_version(registry, "m", tmp_path / "nothing", **WHO)
    source = bundle()
    (source / "head.safetensors").write_bytes(b"changed")
    with pytest.raises(ModelError, match="was changed"):
        add_version(registry, "m", source, **WHO)
    other = bundle(b"2")
    (other / "more").mkdir()
    (other / "more" / "link").symlink_to("/etc/hostname")
    with pytest.raises(ModelError, match="link or a device"):
        add_version(registry, "m", other, **WHO)
    assert registry.names() == () and not list(registry.folder.glob("bundles/m/*"))


def test_asking_makes_nothing(registry):
    assert (registry.names(), registry.revision(), registry.ledger(), registry.problem()) == ((), 0, (), None)
    assert open_registry(registry.folder).tidy() == []
    assert not registry.folder.exists()


def test_the_ledger_says_who_what_why_in_order(filled, monkeypatch):
    monkeypatch.setattr(ledger, "now", lambda: "1999-01-01T00:00:00+00:00")  # the clock jumps back
    crown(filled, 2, who="bo", why="the tests pass")
    back(filled, who="cy", why="too slow")
    told = [(one.seq, one.who, one.what, one.version, one.former, one.why) for one in filled.ledger("m")]
    assert told == [
        (1, "ann", "added", 1, None, ""),
        (2, "ann", "added", 2, None, ""),
        (3, "ann", "added", 3, None, ""),
        (4, "ann", "promoted", 1, None, "asked to"),
        (5, "bo", "promoted", 2, 1, "the tests pass"),
        (6, "cy", "rolled back", 1, 2, "too slow"),
    ]
    times = [one.time for one in filled.ledger()]
    assert times != sorted(times)
    assert filled.champion("m").revision == 6
    assert filled.problem() is None


def raw(registry):
    return sqlite3.connect(registry.folder / FILE, isolation_level=None)


CHANGES = (
    "UPDATE ledger SET body = replace(body, 'ann', 'eve')",
    "DELETE FROM ledger WHERE seq = 4",
    "INSERT INTO ledger VALUES (9, '{}', '')",
    "INSERT OR REPLACE INTO ledger VALUES (2, '{}', '')",
    "UPDATE versions SET record = replace(record, 'ann', 'eve')",
    "UPDATE versions SET digest = 'x'",
    "DELETE FROM versions WHERE version = 3",
    "INSERT INTO versions VALUES ('m', 9, 'candidate', 1, 'x', '{}')",
    "UPDATE versions SET stage = 'champion'",
    "UPDATE versions SET stage = 'king'",
)


@pytest.mark.parametrize("change", CHANGES)
def test_the_database_refuses_to_rewrite_what_was_done(filled, change):
    connection = raw(filled)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(change)
    connection.close()
    assert filled.problem() is None


TAMPERING = {
    "UPDATE ledger SET body = replace(body, 'ann', 'eve') WHERE seq = 2": "line 2",
    "DELETE FROM ledger WHERE seq = 3": "line 3 is missing",
    "DELETE FROM ledger WHERE seq = 4": "by the ledger it is",
    "DELETE FROM versions WHERE version = 3": "m@3 is missing",
    "UPDATE versions SET record = replace(record, 'ann', 'eve') WHERE version = 2": "is not what was added",
    "UPDATE versions SET stage = 'retired' WHERE version = 1": "by the ledger it is champion",
}


@pytest.mark.parametrize(("change", "said"), TAMPERING.items())
def test_who_gets_round_that_is_seen_and_nothing_goes_on(filled, bundle, change, said):
    connection = raw(filled)
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")
    connection.execute(change)
    connection.close()
    assert said in filled.problem()
    for attempt in (lambda: crown(filled, 2), lambda: add_version(filled, "m", bundle(b"4"), **WHO)):
        with pytest.raises(RegistryError, match="must be what its ledger says"):
            attempt()
    if "stage" not in change:
        assert filled.champion("m").version == 1  # it goes on serving


def test_a_line_put_in_with_a_chain_of_its_own_is_seen(filled):
    connection = raw(filled)
    last = connection.execute("SELECT digest FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()[0]
    body = json.dumps(to_json(filled.ledger()[-1]) | {"seq": 5, "version": 2})
    connection.execute("INSERT INTO ledger VALUES (5, ?, ?)", (body, ledger.chained(last, body)))
    connection.close()
    assert "by the ledger" in filled.problem()


def test_a_second_writer_waits_for_the_first(filled, bundle):
    source, patient = bundle(b"4"), Registry(filled.folder, patience=5.0)
    added = []
    with writing(filled.folder):
        other = threading.Thread(target=lambda: added.append(add_version(patient, "m", source, **WHO)))
        other.start()
        time.sleep(0.2)
        assert not added and filled.champion("m").version == 1  # readers are not in the way
    other.join(10)
    assert added[0].version == 4


def test_a_second_writer_that_waited_in_vain_says_so(filled, bundle):
    source = bundle(b"4")
    with writing(filled.folder), pytest.raises(RegistryError, match="One process at a time may change a registry"):
        add_version(filled, "m", source, **WHO)
    assert add_version(filled, "m", source, **WHO).version == 4


def test_many_writers_at_once_lose_nothing(registry, bundle):
    sources = [bundle(str(n).encode()) for n in range(6)]
    patient = Registry(registry.folder, patience=30.0)
    threads = [threading.Thread(target=add_version, args=(patient, "m", one), kwargs=WHO) for one in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [one.version for one in patient.versions("m")] == [1, 2, 3, 4, 5, 6]
    assert len({one.digest for one in patient.versions("m")}) == 6
    assert patient.problem() is None


def test_a_full_disk_leaves_the_champion(filled, bundle, monkeypatch):
    def full(*_, **__):
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", full)
        with pytest.raises(RunError, match="No space left"):
            add_version(filled, "m", bundle(b"4"), **WHO)
    assert filled.champion("m").version == 1
    assert [path.name for path in sorted((filled.folder / "bundles" / "m").iterdir())] == ["1", "2", "3"]
    assert add_version(filled, "m", bundle(b"5"), **WHO).version == 4


def test_what_was_left_behind_is_removed_by_the_next_to_open(filled):
    models = filled.folder / "bundles"
    shutil.copytree(models / "m" / "1", models / "m" / "4")
    shutil.copytree(models / "m" / "1", models / "m" / ".4.0123abcd.tmp")
    shutil.copytree(models / "m" / "1", models / "n" / "1")
    (models / "m" / "notes").mkdir()
    open_registry(filled.folder)
    assert sorted(path.relative_to(models).as_posix() for path in models.glob("*/*")) == [
        "m/1",
        "m/2",
        "m/3",
        "m/notes",
    ]


def test_nothing_is_removed_while_another_writes(filled):
    left = filled.folder / "bundles" / "m" / "4"
    shutil.copytree(filled.bundle("m", 1), left)
    with writing(filled.folder):
        open_registry(filled.folder)
        assert left.is_dir()


def test_another_database_is_no_registry(registry):
    registry.folder.mkdir()
    (registry.folder / FILE).write_bytes(b"no database at all, but long enough to be looked at as one" * 20)
    with pytest.raises(RegistryError, match="whole registry"):
        registry.names()
    (registry.folder / FILE).unlink()
    connection = raw(registry)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(RegistryError, match="another database"):
        registry.names()


def test_a_registry_of_a_newer_release_is_refused(filled):
    connection = raw(filled)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(RegistryError, match="format 2"):
        filled.names()


def test_a_champion_is_found_without_looking_at_the_others(filled):
    asked = []
    connection = raw(filled)
    sql = "EXPLAIN QUERY PLAN SELECT version, since, digest FROM versions WHERE name = 'm' AND stage = 'champion'"
    asked = [row[-1] for row in connection.execute(sql)]
    connection.close()
    assert asked and all("SEARCH" in step and "INDEX" in step for step in asked)


def test_a_version_knows_what_it_is_when_read_back(filled):
    found = filled.version("m", 2)
    assert isinstance(found, Version) and (found.since, found.stage) == (2, "candidate")
    crown(filled, 2)
    assert filled.version("m", 2).since == filled.version("m", 1).since == 5
