"""`tunewright bench`: real load on a real server, and numbers that add up."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def benched(finished, call, tmp_path_factory):
    out = tmp_path_factory.mktemp("bench") / "bench.html"
    said = call(
        "bench", finished.bundle, "--seconds", "1", "--rates", "40,20,2000", "--limit-ms", "200", "--out", out, "--json"
    )
    assert said.code == 0, said.err
    return said.json, out


def test_the_contract(benched):
    found, _ = benched
    assert {"rows_per_second", "latency_ms", "goodput", "memory_mb"} <= set(found)
    assert set(found["latency_ms"]) == {"p50", "p95", "p99"}
    assert 0 < found["latency_ms"]["p50"] <= found["latency_ms"]["p95"] <= found["latency_ms"]["p99"]
    assert found["rows_per_second"] > 0 and found["memory_mb"] > 50


def test_levels_rise_and_add_up(benched):
    found, _ = benched
    assert [one["rate"] for one in found["levels"]] == [20, 40, 2000]
    for one in found["levels"][:2]:
        assert one["answered"] + one["refused"] == pytest.approx(one["rate"], rel=0.6)
        assert one["goodput"] <= one["answered"] and one["lost"] == 0
    assert found["goodput"] == pytest.approx(max(one["goodput"] for one in found["levels"]), abs=0.1)
    assert found["knee"] is None or found["knee"] in (20, 40, 2000)


def test_the_chart_is_complete_in_itself(benched):
    _, out = benched
    page = out.read_text("utf-8")
    assert "requests a second are answered within" in page and "figure-goodput" in page
    assert "http://" not in page.partition("<script>")[0]


@pytest.mark.slow
def test_rows_of_ones_own(finished, rows_csv, call):
    said = call("bench", finished.bundle, "--data", rows_csv, "--seconds", "0.5", "--rates", "20", "--json", "--quiet")
    assert said.code == 0, said.err
    assert said.json["rows"] == "given" and len(said.json["levels"]) == 1


@pytest.mark.parametrize("arguments", [("--rates", "a"), ("--rates", "0"), ("--out", "x.txt")])
def test_wrong_options(finished, call, arguments):
    assert call("bench", finished.bundle, *arguments).code == 2


def test_what_does_not_start_is_told(call, tmp_path):
    said = call("bench", tmp_path, "--json")
    assert said.code == 1 and "SHA256SUMS" in said.json["error"]["message"]
