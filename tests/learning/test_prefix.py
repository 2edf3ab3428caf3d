"""Training above frozen layers from stored states is the training without them, wherever the states come from."""

import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tunewright.learning import prefix
from tunewright.learning.finetune import Start, fine_tune
from tunewright.learning.fit import fit_probe_of, weights_digest
from tunewright.learning.prefix import enter_above
from tunewright.learning.prefix_cache import VARIABLE, PrefixCache
from tunewright.learning.recipes import choose
from tunewright.models.backbone import load_folder
from tunewright.models.encoder import Encoder
from tunewright.models.options import ModelOptions
from tunewright.runfolder.context import RunContext
from tunewright.runfolder.home import home
from tunewright.training.augment import Mixup, WordSwap
from tunewright.training.loop import Interrupted
from tunewright.training.options import TrainingOptions


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Hearing:
    """A run that is listened to."""

    def __init__(self, precision="float32"):
        self.events, self.decided = [], {"precision": {"precision": precision, "why": "a test says so"}}
        self.run = RunContext(observe=self.events.append, decide=self.decide)

    def decide(self, name, make):
        if name not in self.decided:
            self.decided[name] = make()
        return self.decided[name]

    @property
    def told(self):
        """What was said of the frozen layers."""
        (event,) = [e for e in self.events if e.what == "note" and "frozen layer" in e.text]
        return event


def tune(found, hearing=None, *, method="layers:1", precision="float32", epochs=2, options=None, **recipe):
    """Train the layers of a fitted problem anew and keep the last epoch, however good it is."""
    _, judging, fitted = found
    training = TrainingOptions(epochs=epochs, learning_rate=2e-3, **(options or {}))
    choices = choose(judging.problem, ModelOptions(train=method), training)
    choices = replace(choices, recipe=replace(choices.recipe, **recipe))
    start = Start(fitted.frozen, fit_probe_of(judging, fitted.frozen, strength=None), precision)
    return fine_tune(judging, choices, start, (hearing or Hearing()).run, stop_after=epochs)


def digest(tuned):
    return weights_digest(tuned.network)


@pytest.fixture
def posed(learn, make_rows):
    """A frame to its problem, with a probe and nothing else trained."""
    return lambda frame, kind="text": learn(kind, frame, run=Hearing().run, model={"train": "head", "head": "linear"})


def curve(fitted):
    return np.array([[e.train_loss, e.validation_loss, e.metric] for e in fitted.trained.history])


def stored():
    return sorted((home() / "prefix").rglob("*.safetensors"))


@pytest.mark.parametrize("kind", ["text", "pair", "multilabel", "mixed"])
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_the_weights_are_those_without(learned, monkeypatch, kind, dropout):
    heard = Hearing()
    with_states = tune(learned(kind), heard, dropout=dropout)
    assert heard.told.data["computed"] > 0 and stored()
    monkeypatch.setenv(VARIABLE, "0")
    heard = Hearing()
    without = tune(learned(kind), heard, dropout=dropout)
    assert heard.told.data["computed"] == 0 and "TUNEWRIGHT_PREFIX_GB is 0" in heard.told.text
    losses = [[e.train_loss for e in one.state.history] for one in (with_states, without)]
    np.testing.assert_allclose(losses[0], losses[1], atol=2e-4)
    assert len(losses[0]) == 3 and losses[0][2] != losses[0][1]
    a, b = (one.network.state_dict() for one in (with_states, without))
    assert a.keys() == b.keys()
    start = load_folder(learned(kind)[2].backbone_folder).state_dict()
    for name, value in a.items():
        torch.testing.assert_close(value, b[name], rtol=1e-3, atol=1e-3)
        inner = name.removeprefix("encoder.model.")
        if inner in start:  # what is frozen is in the model as it was, what is not has moved
            assert torch.equal(value, start[inner]) == (".layer.1." not in name), name


@pytest.mark.parametrize("kind", ["text", "mixed"])
def test_the_curve_and_the_answers_are_those_without(learn, make_rows, monkeypatch, kind):
    """With all that stands around training: canaries, the look at train rows, early stopping, words."""
    frame, fits = make_rows(kind, 120), []
    for limit in ("1", "0"):
        monkeypatch.setenv(VARIABLE, limit)
        sections = {"model": {"train": "layers:1"}, "training": {"epochs": 3, "dropout": 0.1}}
        fits.append(learn(kind, frame, run=Hearing().run, **sections)[2])
    assert stored()
    with_states, without = fits
    np.testing.assert_allclose(curve(with_states), curve(without), atol=2e-4)
    looked = [[e.train_metric for e in one.trained.history] for one in fits]
    assert looked[0] == pytest.approx(looked[1]) and len(looked[0]) >= 3 and None not in looked[0]
    for part in ("validation", "test"):
        np.testing.assert_allclose(with_states.outputs[part], without.outputs[part], atol=5e-3)


def test_in_bfloat16_the_curve_is_that_without(learned, monkeypatch):
    found = {}
    for limit in ("1", "0"):
        monkeypatch.setenv(VARIABLE, limit)
        found[limit] = [e.train_loss for e in tune(learned("text"), precision="bfloat16").state.history]
    assert stored()
    np.testing.assert_allclose(found["1"], found["0"], atol=0.03)


def test_the_next_training_computes_nothing_and_ends_at_the_same_bits(learned):
    first, again, other = Hearing(), Hearing(), Hearing()
    a = digest(tune(learned("text"), first))
    paths = stored()
    assert digest(tune(learned("text"), again)) == a
    assert digest(tune(learned("text"), other, learning_rate=1e-3)) != a
    assert first.told.data["computed"] > 0 == again.told.data["computed"] == other.told.data["computed"]
    assert stored() == paths
    shutil.rmtree(home() / "prefix")
    assert digest(tune(learned("text"))) == a


def test_bits_depend_on_no_other_text_and_on_no_history(posed, make_rows):
    """A run that finds some texts from another one, or none: the same weights to the bit."""
    frame = make_rows("text", 90)
    found, others = posed(frame), [posed(make_rows("text", 150, 7)), posed(frame[:40])]
    alone = digest(tune(found))
    everything = sum(path.stat().st_size for path in stored())
    shutil.rmtree(home() / "prefix")
    for other in others:
        tune(other)
    heard = Hearing()
    assert digest(tune(found, heard)) == alone
    assert len(stored()) == 3 and stored()
    newest = max(stored(), key=lambda path: path.stat().st_ctime_ns)
    assert 0 < newest.stat().st_size < everything


def test_each_precision_and_depth_has_its_own_states(learned):
    for precision in ("float32", "bfloat16"):
        tune(learned("text"), precision=precision)
    kinds = {path.parent.name: path.stat().st_size for path in stored()}
    assert len(kinds) == len(stored()) == 2
    assert 1.5 < max(kinds.values()) / min(kinds.values()) < 2


def test_no_state_of_a_test_row_is_computed(learned):
    heard = Hearing()
    prepared, _, _ = learned("text")
    tune(learned("text"), heard)
    split = prepared.split
    texts = {prepared.typed["message"][row] for row in (*split.train, *split.validation)}
    assert heard.told.data["computed"] == len(texts)


def test_a_damaged_file_is_computed_again_and_changes_nothing(learned):
    expected = digest(tune(learned("text")))
    (path,) = stored()
    data = bytearray(path.read_bytes())
    data[-9] ^= 4
    path.write_bytes(data)
    heard = Hearing()
    assert digest(tune(learned("text"), heard)) == expected
    assert heard.told.data["computed"] > 0
    assert stored() == [path] and path.with_suffix(".damaged").exists()


def test_what_was_decided_holds_for_a_continued_run(learned, monkeypatch):
    """With states and without, last bits differ: a run that goes on does as it began."""
    with_states = Hearing()
    a = digest(tune(learned("text"), with_states))
    assert with_states.decided["prefix layers:1"] == {"why": None}
    shutil.rmtree(home() / "prefix")
    with_states.events.clear()
    assert digest(tune(learned("text"), with_states)) == a
    assert with_states.told.data["computed"] > 0
    monkeypatch.setenv(VARIABLE, "0")
    without = Hearing()
    b = digest(tune(learned("text"), without))
    monkeypatch.delenv(VARIABLE)
    without.events.clear()
    assert digest(tune(learned("text"), without)) == b
    assert without.told.data["computed"] == 0


@pytest.mark.parametrize("lost", [False, True])
def test_a_stopped_training_continues_to_the_same_bits(learned, tmp_path, lost):
    """Whether the states are still there when it goes on, or have to be computed again."""
    expected = digest(tune(learned("text"), dropout=0.1))
    heard, asked = Hearing(), iter(range(100))
    stopped = replace(heard.run, checkpoints=tmp_path, stop=lambda: signal.SIGTERM if next(asked) == 11 else None)
    heard.run = stopped
    with pytest.raises(Interrupted):
        tune(learned("text"), heard, dropout=0.1)
    if lost:
        shutil.rmtree(home() / "prefix")
    heard.run = replace(stopped, stop=lambda: None)
    tuned = tune(learned("text"), heard, dropout=0.1)
    assert digest(tuned) == expected and tuned.state.step > 11


def test_the_cache_may_go_while_training_reads_it(learned, monkeypatch):
    expected = digest(tune(learned("text")))
    real = prefix._with_states

    def gone(*given):
        found = real(*given)
        shutil.rmtree(home() / "prefix")
        return found

    monkeypatch.setattr(prefix, "_with_states", gone)
    assert digest(tune(learned("text"))) == expected
    assert not stored()


@pytest.mark.parametrize(
    ("given", "setting", "why"),
    [
        ({"augment": WordSwap()}, None, "word_swap changes the texts"),
        ({}, "0.000001", "TUNEWRIGHT_PREFIX_GB allows"),
    ],
)
def test_where_it_cannot_serve_that_is_said(learned, monkeypatch, given, setting, why):
    if setting:
        monkeypatch.setenv(VARIABLE, setting)
    heard = Hearing()
    tuned = tune(learned("text"), heard, **given)
    assert why in heard.told.text and heard.told.data["computed"] == 0
    assert not stored() and len(tuned.state.history) > 1


def test_mixed_rows_train_above_states_too(learned, monkeypatch):
    heard = Hearing()
    mixed = digest(tune(learned("text"), heard, augment=Mixup()))
    assert heard.told.data["computed"] > 0 and digest(tune(learned("text"))) != mixed


def test_a_full_disk_is_no_reason_to_stop(learned, monkeypatch):
    monkeypatch.setattr(PrefixCache, "room", lambda self: 100)
    heard = Hearing()
    assert tune(learned("text"), heard).state.history[2:]
    assert "half of what is free on the disk" in heard.told.text and not stored()


def test_a_disk_that_refuses_is_no_reason_to_stop(learned):
    found = learned("text")
    home().mkdir(parents=True, exist_ok=True)
    (home() / "prefix").write_text("not a folder")
    heard = Hearing()
    assert tune(found, heard).state.history[2:]
    assert "could not be stored" in heard.told.text


def test_layers_that_cannot_be_entered_train_all_the_same(learned, monkeypatch):
    monkeypatch.setattr(prefix, "part_at", lambda *given: "its layers lie where nothing is known to enter")
    heard = Hearing()
    assert tune(learned("text"), heard).state.history[2:]
    assert "nothing is known to enter" in heard.told.text


@pytest.mark.parametrize("method", ["full", "lora", "head", "layers:2"])
def test_nothing_is_kept_where_no_layer_stays_frozen(learned, method):
    heard = Hearing()
    tune(learned("text"), heard, method=method)
    assert not stored() and not any("frozen layer" in event.text for event in heard.events)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_states_bits_do_not_depend_on_its_company(learned, precision):
    """Texts are drawn in many ways; each has one answer."""
    _, judging, fitted = learned("text")
    problem = judging.problem
    encoder = Encoder(load_folder(fitted.backbone_folder), "mean")
    encoder.model.to(precision)
    rng, seen = np.random.default_rng(0), {}
    for _ in range(6):
        shutil.rmtree(home() / "prefix", ignore_errors=True)
        inputs = {p: problem.inputs[p].take(rng.permutation(len(problem.inputs[p]))[:25]) for p in prefix.PARTS}
        some = replace(problem, inputs=inputs)
        recipe = choose(problem, ModelOptions(), TrainingOptions()).recipe
        above = enter_above(encoder, some, "layers:1", recipe, precision=str(precision), run=RunContext())
        for part in prefix.PARTS:
            tokens, states = inputs[part].segments[0], above.inputs[part].states[0]
            for row in range(len(tokens)):
                text = tokens.ids[tokens.offsets[row] : tokens.offsets[row + 1]].tobytes()
                state = states.pad(np.array([row]), torch.device("cpu"))[0]
                seen.setdefault(text, state)
                assert torch.equal(seen[text], state)
    assert len(seen) > 40


def test_the_real_backbone_is_entered():
    from tunewright.models.backbone import locate
    from tunewright.models.inputs import pad
    from tunewright.models.prefix import part_at
    from tunewright.models.tokens import TextTokenizer

    folder = Path(locate("minilm").folder)
    encoder = Encoder(load_folder(folder), "mean")
    tokens = TextTokenizer(folder)(["short", "a text that is somewhat longer than the other one"])
    ids, mask = pad(tokens, np.arange(2), torch.device("cpu"))
    bottom, top = part_at(encoder, 4, (ids, mask))
    torch.testing.assert_close(top(bottom(ids, mask), mask), encoder(ids, mask), rtol=0, atol=0)
