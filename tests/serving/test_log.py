"""The request log: a table of what was asked and answered, without what nobody should keep."""

from __future__ import annotations

import json
import threading

import pytest

from tunewright.data import read
from tunewright.errors import ServingError
from tunewright.serving.log import RequestLog
from tunewright.serving.options import LogOptions

ANSWER = {"prediction": "odd", "confidence": 0.9, "probabilities": {"even": 0.1, "odd": 0.9}}


def written(path, version, checked, **options):
    log = RequestLog(LogOptions(path=path, **options))
    log.keep("r1", version, checked, [ANSWER] * checked.count)
    log.close()
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def test_a_row_is_a_line_without_its_text(tmp_path, fake, make_schema):
    version = fake.made()
    checked = make_schema().of_rows([{"message": "call ann@mail.example", "amount": 3, "plan": "pro"}, {"message": ""}])
    lines = written(tmp_path / "log.jsonl", version, checked)
    assert [line["_row"] for line in lines] == [0, 1]
    first = lines[0]
    assert (first["_id"], first["_model"], first["_version"]) == ("r1", "tickets", "v1")
    assert (first["_prediction"], first["_confidence"]) == ("odd", 0.9)
    assert (first["amount"], first["plan"], first["_characters.message"]) == (3.0, "pro", 21)
    assert "message" not in first and "mail.example" not in json.dumps(lines)
    assert first["_time"].endswith("+00:00")


def test_texts_where_they_are_wanted_and_even_then_masked(tmp_path, fake, make_schema):
    row = {"message": "card 4556 7375 8689 9855 please", "plan": "ann@mail.example"}
    (line,) = written(tmp_path / "log.jsonl", fake.made(), make_schema().of_rows([row]), text=True)
    assert line["message"] == "card 4*** please" and line["plan"] == "a***@***.example"


def test_a_log_is_a_table_that_the_model_can_be_asked_again_about(tmp_path, fake, make_schema):
    path = tmp_path / "log.jsonl"
    written(path, fake.made(), make_schema().of_rows([{"message": "a", "amount": n} for n in range(5)]), text=True)
    frame = read(path).frame
    assert frame["amount"].to_list() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert frame["message"].to_list() == ["a"] * 5


def test_a_full_file_is_set_aside_and_the_oldest_goes(tmp_path, fake, make_schema):
    path = tmp_path / "log.jsonl"
    log = RequestLog(LogOptions(path=path, bytes=600, files=2))
    for n in range(20):
        log.keep(f"r{n}", fake.made(), make_schema().of_rows([{"message": "a"}]), [ANSWER])
    log.close()
    names = sorted(one.name for one in tmp_path.iterdir())
    assert names == ["log.1.jsonl", "log.2.jsonl", "log.jsonl"]
    order = [
        json.loads(line)["_id"]
        for name in names[1::-1] + names[2:]
        for line in (tmp_path / name).read_text().splitlines()
    ]
    assert order == [f"r{n}" for n in range(20 - len(order), 20)]
    assert all((tmp_path / name).stat().st_size <= 600 for name in names)


def test_it_goes_on_in_the_file_that_is_there_and_is_for_one_pair_of_eyes(tmp_path, fake, make_schema):
    path = tmp_path / "log.jsonl"
    for _ in range(2):
        lines = written(path, fake.made(), make_schema().of_rows([{"message": "a"}]))
    assert len(lines) == 2
    assert path.stat().st_mode & 0o077 == 0


def test_a_place_that_takes_no_file_is_refused_at_the_start(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ServingError, match="must be a file that can be written"):
        RequestLog(LogOptions(path=tmp_path / "file" / "log.jsonl"))
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(ServingError):
        RequestLog(LogOptions(path=tmp_path / "link"))


def test_a_slow_disk_drops_rows_and_counts_them(tmp_path, fake, make_schema, monkeypatch):
    monkeypatch.setattr("tunewright.serving.log.WAITING", 3)
    dropped, go = [], threading.Event()
    log = RequestLog(LogOptions(path=tmp_path / "log.jsonl"), dropped=dropped.append)
    monkeypatch.setattr(log, "_write", lambda data: go.wait(10))
    checked = make_schema().of_rows([{"message": "a"}, {"message": "b"}])
    for n in range(10):
        log.keep(f"r{n}", fake.made(), checked, [ANSWER, ANSWER])
    go.set()
    log.close()
    assert 6 * 2 <= sum(dropped) <= 7 * 2


def test_a_full_disk_does_not_stop_the_log(tmp_path, fake, make_schema, monkeypatch):
    dropped = []
    log = RequestLog(LogOptions(path=tmp_path / "log.jsonl"), dropped=dropped.append)

    def full(data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log, "_write", full)
    log.keep("r", fake.made(), make_schema().of_rows([{"message": "a"}]), [ANSWER])
    log.close()
    assert dropped == [1]
