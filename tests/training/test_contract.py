"""The memory contract: nothing is measured where there is plenty, and what is settled fits, holds, and is said."""

import pytest
import torch

from tunewright.errors import TrainingError
from tunewright.models.footprint import Shape
from tunewright.models.room import Room
from tunewright.training import contract
from tunewright.training.contract import Terms

SHAPE = Shape(width=32, layers=2, heads=2, bytes=4)
PLENTY = Room(held=5e8, free=1e10, why="the machine")


@pytest.fixture
def asked(monkeypatch):
    """(free bytes, of an update) sets what is free and what a probe measures; returns the measurements made."""
    measured = []

    class Measured:
        def __init__(self, device):
            self.first = len(measured) % 3 == 0
            measured.append(self)

        def __enter__(self):
            return self

        def __exit__(self, *failure):
            return None

        @property
        def taken(self):
            return Measured.size if self.first else 0.0

    def set_to(free, size=0.0):
        Measured.size = size
        monkeypatch.setattr(contract, "find_room", lambda device, budget_gb: Room(held=5e8, free=free, why="a test"))
        monkeypatch.setattr(contract, "Peak", Measured)
        monkeypatch.setattr(contract, "held_now", lambda device: 0.0)
        return measured

    return set_to


def terms(decide=lambda make: make()):
    return Terms(shape=SHAPE, budget_gb=None, decide=decide)


def fixed(network):
    return 12.0 * sum(p.numel() for p in network.parameters() if p.requires_grad)


def test_where_there_is_plenty_nothing_is_measured_and_nothing_said(fine_tuned, asked):
    measured, events, decisions = asked(1e10), [], []
    calm, _ = fine_tuned()

    def decide(make):
        decisions.append(make())
        return decisions[-1]

    state, _ = fine_tuned(terms=terms(decide), observe=events.append)
    assert measured == [] and [event for event in events if event.what == "note"] == []
    assert (state.micro_tokens, state.evaluation_tokens, state.checkpointing) == (None, None, False)
    assert [one.train_loss for one in state.history] == [one.train_loss for one in calm.history]
    assert decisions[0]["forecast"] > 0 and decisions[0]["measured"] is None


def test_what_is_settled_fits_and_the_run_is_the_same_otherwise(fine_tuned, new_network, asked, text_rows):
    network, events = new_network(), []
    longest = int(text_rows[0].lengths[:60].max())
    rows = 16
    # Room for the buffers and six of the longest rows, if the forecast is right; the probe says that it is.
    room = fixed(network) + 6.2 * SHAPE.training(1, longest)
    asked(room, size=0.0)
    _, calm = fine_tuned()
    state, network = fine_tuned(network, terms=terms(), observe=events.append)
    assert state.micro_tokens is not None and longest <= state.micro_tokens < rows * longest
    # A probe that found less than seven tenths of the forecast is not believed.
    most = int((room - fixed(network)) / (0.7 * SHAPE.training(1, longest))) * longest
    assert state.micro_tokens == pytest.approx(most, abs=longest)
    said = next(event for event in events if event.what == "note")
    assert f"{state.micro_tokens:,} tokens" in said.text and "effective batch stays" in said.text
    for (name, a), (_, b) in zip(network.state_dict().items(), calm.state_dict().items(), strict=True):
        torch.testing.assert_close(a, b, rtol=2e-3, atol=2e-5, msg=lambda text, name=name: f"{name}: {text}")


def test_a_probe_that_finds_more_than_the_forecast_counts(fine_tuned, new_network, asked, text_rows):
    settled = []
    for size in (0.0, 4 * SHAPE.training(16, 13)):
        network = new_network()
        asked(fixed(network) + 20 * SHAPE.training(1, int(text_rows[0].lengths[:60].max())), size=size + fixed(network))
        settled.append(fine_tuned(network, terms=terms())[0].micro_tokens)
    assert settled[0] is None and settled[1] is not None


def test_the_probe_changes_no_weight_and_no_draw(fine_tuned, new_network, asked, tmp_path):
    network = new_network(dropout=0.2)
    asked(fixed(network) * 1.9 + 100 * SHAPE.training(1, 13), size=0.0)
    calm, whole = fine_tuned(new_network(dropout=0.2), checkpoints=tmp_path / "calm")
    state, network = fine_tuned(network, terms=terms(), checkpoints=tmp_path / "probed")
    assert state.micro_tokens is None
    for (_, a), (_, b) in zip(network.state_dict().items(), whole.state_dict().items(), strict=True):
        assert torch.equal(a, b)
    assert [one.train_loss for one in state.history] == [one.train_loss for one in calm.history]
    assert not (tmp_path / "probed" / "probe").exists()


def test_gradient_checkpointing_comes_before_an_error(fine_tuned, new_network, asked, text_rows):
    network, events = new_network(), []
    longest = int(text_rows[0].lengths[:60].max())
    room = fixed(network) + 0.7 * SHAPE.training(1, longest) * 0.9
    assert 0.7 * SHAPE.checkpointed(1, longest) < room - fixed(network)
    asked(room)
    state, _ = fine_tuned(network, terms=terms(), observe=events.append)
    assert state.checkpointing and "Gradient checkpointing is on" in events[0].text


def test_without_room_for_one_row_the_error_says_what_to_do(fine_tuned, new_network, asked):
    network = new_network()
    asked(fixed(network) + 10.0)
    with pytest.raises(TrainingError) as caught:
        fine_tuned(network, terms=terms(), recipe={"gradient_checkpointing": False})
    said = str(caught.value)
    assert "One row of" in said and "the limit: a test" in said
    assert 0 < said.index("gradient_checkpointing") < said.index("lora") < said.index("max_length")


def test_without_room_for_a_checkpoint_lora_is_proposed(fine_tuned, new_network, asked, tmp_path):
    network = new_network()
    asked(fixed(network) * 1.5, size=0.0)
    with pytest.raises(TrainingError, match=r"A checkpoint needs .* Try model.train: lora"):
        fine_tuned(network, terms=terms(), checkpoints=tmp_path)


def test_no_room_at_all_names_the_limit(fine_tuned, asked):
    asked(0.0)
    with pytest.raises(TrainingError, match=r"must have memory.*budget.memory_gb to more than 0.50"):
        fine_tuned(terms=terms())


def test_an_interrupted_run_repeats_the_decision_and_measures_nothing(fine_tuned, asked):
    measured = asked(1.0)
    kept = {"micro_tokens": 60, "evaluation_tokens": 90, "checkpointing": True, "note": "as before"}
    state, _ = fine_tuned(terms=terms(lambda make: kept))
    assert (state.micro_tokens, state.evaluation_tokens, state.checkpointing) == (60, 90, True)
    assert measured == []
