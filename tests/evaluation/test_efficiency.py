"""What answering costs: counts that can be known, times that fit each other, one pass whose answers are kept."""

import numpy as np
import pytest

from tunewright.evaluation import efficiency
from tunewright.evaluation.efficiency import FEWEST_ROUNDS, MOST_ROUNDS, WARM, measure_efficiency
from tunewright.records import Efficiency, from_json, to_json


@pytest.fixture
def rows(learned):
    return lambda kind: (learned(kind)[2].model, learned(kind)[1].problem.typed["validation"])


@pytest.mark.parametrize("kind", ["text", "table"])
def test_what_is_known_of_a_model(rows, kind):
    model, typed = rows(kind)
    cost = measure_efficiency(model, typed)
    found = cost.efficiency
    assert np.array_equal(cost.outputs, model.outputs(typed))
    weights = sum(value.numel() for value in model.network.state_dict().values())
    beside = sum(part.size() for part in (model.tokenizer, model.lexical, model.trees) if part is not None)
    assert found.size_mb == pytest.approx((4 * weights + beside) / 1e6, abs=0.01)
    assert found.memory_mb >= round((4 * weights + beside) / 1e6, 1) and found.batch_rows == typed.height
    assert 0 < found.latency_ms["p50"] <= found.latency_ms["p95"]
    assert FEWEST_ROUNDS <= found.rounds <= MOST_ROUNDS
    # A row among many never takes longer than one by itself does at its slowest.
    assert found.rows_per_second > 1000 / found.latency_ms["p95"] / 2
    assert found.process_peak_mb is None or found.process_peak_mb > found.memory_mb / 2
    assert "thread" in found.machine and found.precision == model.precision
    assert from_json(Efficiency, to_json(found)) == found


def test_single_rows_are_bounded_in_time_and_rounds(rows, monkeypatch):
    model, typed = rows("table")

    class Slow:
        """A model in which every row takes a second of a clock that stands still otherwise."""

        network, device, precision = model.network, model.device, model.precision
        tokenizer = lexical = trees = None
        now, asked = 0.0, []

        def outputs(self, some):
            Slow.now += 1.0 if some.height == 1 else 4.0
            Slow.asked.append(some.height)
            return np.zeros((some.height, 2))

    monkeypatch.setattr(efficiency.time, "perf_counter", lambda: Slow.now)
    found = measure_efficiency(Slow(), typed).efficiency
    assert Slow.asked == [1] * (WARM + FEWEST_ROUNDS) + [typed.height]
    assert found.latency_ms == {"p50": 1000.0, "p95": 1000.0}
    assert found.rows_per_second == round(typed.height / 4.0, 1)
