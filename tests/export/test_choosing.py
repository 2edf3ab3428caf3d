"""`auto` chooses by what was measured, within the limits, and says why."""

from dataclasses import replace

import pytest

from tunewright.errors import ExportError
from tunewright.export.choosing import FASTER, choose
from tunewright.export.measuring import measure_speeds, size_mb
from tunewright.objective import Limits
from tunewright.records import Tried


def tried(name, rows, latency, size):
    return Tried(format=name, state="passed", why="", rows_per_second=rows, latency_ms=latency, size_mb=size)


EXACT = tried("onnx", 100.0, 4.0, 90.0)
FAST = tried("onnx-int8", 250.0, 2.0, 23.0)
BATCHES = tried("openvino-int8", 900.0, 9.0, 30.0)
FAILED = Tried(format="torch-bf16", state="over the budget", why="labels")
ALL = [EXACT, FAILED, FAST, BATCHES]


def test_what_is_fastest_for_the_purpose_is_chosen():
    assert choose(ALL, Limits(), "throughput")[0].format == "openvino-int8"
    assert choose(ALL, Limits(), "latency")[0].format == "onnx-int8"


def test_every_format_is_told_with_its_state():
    chosen, told = choose(ALL, Limits(), "latency")
    assert [one.format for one in told] == [one.format for one in ALL]
    assert [one.state for one in told] == ["slower", "over the budget", "chosen", "slower"]
    assert told[2] is chosen and "2.0 times as fast as the next for one row at a time" in chosen.why
    assert told[1] == FAILED
    assert "100 rows a second, 4.00 ms for one row, 90 MB" in told[0].why


def test_limits_come_first():
    chosen, told = choose(ALL, Limits(latency_ms=5.0), "throughput")
    assert chosen.format == "onnx-int8"
    assert told[3].state == "over a limit" and "one row takes 9 ms, the limit is 5" in told[3].why
    assert choose(ALL, Limits(size_mb=25.0), "throughput")[0].format == "onnx-int8"
    both = choose(ALL, Limits(size_mb=31.0, latency_ms=100.0), "throughput")
    assert both[0].format == "openvino-int8" and both[1][0].state == "over a limit"


def test_without_a_format_within_the_limits_nothing_is_chosen():
    with pytest.raises(ExportError, match=r"onnx-int8: one row takes 2 ms, the limit is 1.*Widen the limits"):
        choose(ALL, Limits(latency_ms=1.0), "latency")
    with pytest.raises(ExportError, match="torch-bf16: labels"):
        choose([FAILED], Limits(), "latency")


def test_what_gives_nothing_up_is_kept_where_the_gain_is_noise():
    near = replace(FAST, rows_per_second=100.0 * FASTER - 1)
    chosen, _ = choose([EXACT, near], Limits(), "throughput")
    assert chosen.format == "onnx" and "gives up less" in chosen.why
    beyond = replace(FAST, rows_per_second=100.0 * FASTER + 1)
    assert choose([EXACT, beyond], Limits(), "throughput")[0].format == "onnx-int8"


def test_a_single_format_says_that_it_is_alone():
    assert "the only one" in choose([EXACT], Limits(), "latency")[0].why


def test_speeds_are_of_the_models_in_their_order(source, monkeypatch):
    import time

    from tunewright.bundle.model import FittedModel

    text = source("text")
    slow = replace(text.model, pooling="slow")
    plain = FittedModel.outputs

    def outputs(model, typed, **options):
        if model.pooling == "slow":
            time.sleep(0.02)
        return plain(model, typed, **options)

    monkeypatch.setattr(FittedModel, "outputs", outputs)
    fast, held_up = measure_speeds([text.model, slow], text.validation, rounds=2)
    assert held_up.latency_ms > fast.latency_ms + 10
    assert held_up.rows_per_second < fast.rows_per_second
    assert held_up.rows_per_second < text.validation.height / 0.02


def test_size_is_that_of_all_files(exported):
    folder = exported("text", "safetensors-merged")
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert size_mb(folder) == total / 1e6 > (folder / "model.safetensors").stat().st_size / 1e6
