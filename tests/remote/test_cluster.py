"""What each job gets of a cluster, against a brute-force count; and what is said where there is none."""

import os
import signal
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.errors import MissingExtra, PlanError, RunError
from tunewright.remote.cluster import Room, connected, room_for


def node(cpus, gpus=0, alive=True):
    return {"Alive": alive, "Resources": {"CPU": float(cpus), **({"GPU": float(gpus)} if gpus else {})}}


def fits_by_hand(nodes, jobs, cpus):
    """Put jobs onto nodes one after the other."""
    left = [one["Resources"]["CPU"] for one in nodes if one["Alive"]]
    for _ in range(jobs):
        place = next((n for n, free in enumerate(left) if free >= cpus), None)
        if place is None:
            return False
        left[place] -= cpus
    return True


@settings(max_examples=60)
@given(sizes=st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=4), jobs=st.integers(1, 9))
def test_jobs_get_as_many_cpus_as_fit_at_the_same_time(sizes, jobs):
    nodes = [node(cpus, alive=alive) for cpus, alive in sizes]
    if not fits_by_hand(nodes, jobs, 1):
        with pytest.raises(PlanError, match=r"search\.workers must be at most the cluster's CPUs"):
            room_for(nodes, jobs)
        return
    room = room_for(nodes, jobs)
    assert fits_by_hand(nodes, jobs, room.cpus) and not fits_by_hand(nodes, jobs, room.cpus + 1) and room.gpus == 0


@pytest.mark.parametrize(
    ("nodes", "jobs", "room"),
    [
        ([node(8, 1)], 1, Room(cpus=8, gpus=1.0)),
        ([node(8, 1)], 2, Room(cpus=4, gpus=0.5)),
        ([node(8, 2)], 2, Room(cpus=4, gpus=1.0)),
        ([node(8, 2)], 3, Room(cpus=2, gpus=0.5)),
        ([node(8, 1), node(16)], 2, Room(cpus=4, gpus=0.5)),  # on the node that has one
        ([node(4, 1), node(64)], 40, Room(cpus=1)),  # more than a GPU is worth sharing by
    ],
)
def test_gpus_are_shared_where_there_are_fewer_than_jobs(nodes, jobs, room):
    assert room_for(nodes, jobs) == room


def test_ray_that_is_not_installed_is_named_with_its_install_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tunewright\[ray\]'"), connected("ray"):
        pass


@pytest.mark.parametrize("on", ["ray", "ray://127.0.0.1:9"])
def test_a_cluster_that_does_not_answer_is_said_at_once(on, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")  # the discard port: nobody listens
    started = time.monotonic()
    with pytest.raises(RunError, match="must name a Ray cluster that answers"), connected(on):
        pass
    assert time.monotonic() - started < 5


def test_signals_stay_ours_and_nothing_is_reported(ray_cluster):
    def ours(number, frame):
        pass

    before = signal.signal(signal.SIGTERM, ours)
    try:
        with connected("ray") as ray:
            assert signal.getsignal(signal.SIGTERM) is ours and os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
            with connected("ray") as again:  # whoever is connected stays so
                assert again is ray
            assert ray.is_initialized()
        assert not ray.is_initialized()
    finally:
        signal.signal(signal.SIGTERM, before)
