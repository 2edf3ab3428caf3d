"""Energy by the kernel's counters: packages only, counters that start over, and no guess where there are none."""

import pytest

from tunewright.events import Event
from tunewright.stories.delivering.energy import EVERY, NONE, Meter, counters

TICK = Event(station="train", what="progress")


def zone(root, name, *, energy, span=1_000_000, says="package-0"):
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{says}\n")
    (folder / "energy_uj").write_text(f"{energy}\n")
    (folder / "max_energy_range_uj").write_text(f"{span}\n")
    return folder / "energy_uj"


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


def test_only_whole_packages_count(tmp_path):
    zone(tmp_path, "intel-rapl:0", energy=5)
    zone(tmp_path, "intel-rapl:0:0", energy=3, says="core")
    zone(tmp_path, "intel-rapl:1", energy=7, says="package-1")
    zone(tmp_path, "intel-rapl:2", energy=9, says="psys")
    zone(tmp_path, "intel-rapl:3", energy="", says="package-2")
    assert [one.file.parent.name for one in counters(tmp_path)] == ["intel-rapl:0", "intel-rapl:1"]
    assert counters(tmp_path / "none") == ()


def test_joules_add_up_over_counters_that_start_over(tmp_path, clock):
    one, other = (
        zone(tmp_path, "intel-rapl:0", energy=900_000),
        zone(tmp_path, "intel-rapl:1", energy=0, says="package-1"),
    )
    meter = Meter(tmp_path, clock=clock)
    clock.now = EVERY
    one.write_text("100000\n")  # over the top: 0.2 J
    other.write_text("300000\n")  # 0.3 J
    meter(TICK)
    clock.now += EVERY - 1
    one.write_text("50000\n")  # nobody looks: it may have gone round once
    meter(TICK)
    clock.now += 1
    meter(TICK)  # 0.95 J
    found = meter.total()
    assert found.joules == pytest.approx(0.2 + 0.3 + 0.95, abs=0.06)
    assert "RAPL" in found.text and "Wh" in found.text


def test_without_counters_nothing_is_guessed(tmp_path, clock):
    meter = Meter(tmp_path, clock=clock)
    meter(TICK)
    assert meter.total().joules is None and meter.total().text == NONE


def test_a_counter_that_goes_away_is_said_to_be_none(tmp_path, clock):
    one = zone(tmp_path, "intel-rapl:0", energy=1)
    meter = Meter(tmp_path, clock=clock)
    one.unlink()
    clock.now = EVERY
    meter(TICK)
    assert meter.total().joules is None
