"""What directions do to the answers of a head that is known: effects by hand, chance, shuffled weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tunewright.explain.concepts import judging
from tunewright.explain.concepts.ends import End, removal
from tunewright.explain.concepts.judging import against_shuffled, judge
from tunewright.explain.concepts.moving import Held
from tunewright.explain.sanity import drawn_anew
from tunewright.models.heads import make_head
from tunewright.tasks import Classification, Multilabel, Regression

WIDTH, ROWS = 48, 200
LABELS = ("a", "b", "c")


def held_of(weight, features, task=None, beside=None, share=1.0):
    head = make_head("linear", inputs=features.shape[1], outputs=len(weight), dropout=0.2)
    with torch.no_grad():
        head.linear.weight.copy_(torch.from_numpy(np.asarray(weight, np.float32)))
        head.linear.bias.zero_()
    return Held(
        task=task or Classification(labels=LABELS), temperature=2.0, head=head, device=torch.device("cpu"),
        features=np.asarray(features, np.float32), width=WIDTH, share=share,
        beside=np.zeros((len(features), len(weight)), np.float32) if beside is None else beside,
    )  # fmt: skip


@pytest.fixture(scope="module")
def made():
    """Three parts; a head that reads the first for a and against b, the second for c, and nothing of the third."""
    rng = np.random.default_rng(0)
    parts = np.linalg.qr(rng.normal(size=(WIDTH, 3)))[0].T
    amounts = rng.normal(size=(ROWS, 3)) * 0.2 + 3.0 * (rng.random((ROWS, 3)) < 0.2)
    features = amounts @ parts + 0.3 * rng.normal(size=(ROWS, WIDTH))
    weight = np.stack([parts[0], -parts[0], parts[1]]) + 0.02 * rng.normal(size=(3, WIDTH))
    ends = [
        End(
            amounts=amounts[:, place], inside=amounts[:, place] > 1.5,
            taken=removal(amounts[:, place], parts[place], 1.5), agreement=0.9,
        )
        for place in range(3)
    ]  # fmt: skip
    return held_of(weight, features), ends, weight, features


def odds(weight, features):
    """Log odds of every label against all others, plainly."""
    logits = features @ weight.T / 2.0
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return np.log(shares / (1 - shares))


def test_what_the_head_reads_is_kept_with_its_labels(made):
    held, ends, _, _ = made
    found = judge(held, ends)
    by_end = {ends.index(one.end): one for one in found}
    assert set(by_end) == {0, 1}
    assert by_end[0].effects.shown(1, 3)[0] == 0 and by_end[0].effects.shown(-1, 3)[0] == 1
    assert by_end[1].effects.shown(1, 3) == [2] and set(by_end[1].effects.shown(-1, 3)) == {0, 1}
    assert all(one.change.value > one.chance and one.p_value < 0.05 for one in found)
    assert [one.change.value for one in found] == sorted((one.change.value for one in found), reverse=True)


def test_effects_are_what_labels_lose(made):
    held, ends, weight, features = made
    for one in judge(held, ends):
        rows, moves = one.end.taken.rows, one.end.taken.moves
        lost = odds(weight, features[rows]) - odds(weight, features[rows] + moves)
        assert np.allclose(one.effects.lost, lost, atol=1e-4)
        labels = one.effects.shown(1, 3)
        for label, score in zip(labels, one.effects.scores(labels), strict=True):
            assert score.value == pytest.approx(lost[:, label].mean(), abs=1e-4) and score.n == len(rows)
            half = 1.96 * lost[:, label].std(ddof=1) / len(rows) ** 0.5
            assert score.low == pytest.approx(score.value - half, abs=0.3 * half)
            assert score.high == pytest.approx(score.value + half, abs=0.3 * half)


def distance(weight, first, second):
    """Root mean square of what log probabilities, less their mean over labels, differ by; plainly."""
    logs = []
    for features in (first, second):
        powers = np.exp(features @ weight.T / 2.0)
        own = np.log(powers / powers.sum(-1, keepdims=True))
        logs.append(own - own.mean(-1, keepdims=True))
    return np.sqrt(((logs[0] - logs[1]) ** 2).mean(-1))


def test_change_is_the_distance_of_answers(made):
    held, ends, weight, features = made
    (one,) = [one for one in judge(held, ends) if one.end is ends[0]]
    rows, moves = one.end.taken.rows[: judging.ROWS], one.end.taken.moves[: judging.ROWS]
    own = distance(weight, features[rows], features[rows] + moves)
    assert one.change.value == pytest.approx(own.mean(), abs=1e-4)
    assert one.change.low < one.change.value < one.change.high and one.change.n == len(rows)


def test_chance_is_the_same_rows_moved_as_far_at_random(made):
    held, ends, weight, features = made
    (one,) = [one for one in judge(held, ends, seed=3) if one.end is ends[1]]
    rows, moves = one.end.taken.rows[: judging.ROWS], one.end.taken.moves[: judging.ROWS]
    rng, drawn = np.random.default_rng(3), []
    for direction in rng.normal(size=(judging.DRAWS, WIDTH)):
        away = np.linalg.norm(moves, axis=1)[:, None] * direction / np.linalg.norm(direction)
        drawn.append(distance(weight, features[rows], features[rows] + away).mean())
    assert one.chance == pytest.approx(np.mean(drawn), rel=1e-3)
    assert one.change.value > np.quantile(drawn, 0.97)


def test_places_of_other_tasks(made):
    _, ends, weight, features = made
    rows, moves = ends[0].taken.rows, ends[0].taken.moves
    logits = (features[rows] + moves) @ weight.T
    several = held_of(weight, features, task=Multilabel(labels=LABELS))
    assert np.allclose(several.places(rows, moves), logits / 2.0, atol=1e-4)
    number = held_of(weight[[0]], features, task=Regression(mean=1.0, scale=5.0, log=False, low=0.0, high=9.0))
    assert np.allclose(number.places(rows, moves), 5.0 * logits[:, [0]], atol=1e-4)


def test_words_and_trees_beside_the_network_keep_their_part(made):
    """What words add stays, and a share of the network moves the answer less."""
    held, ends, weight, features = made
    settled = held_of(weight, features, beside=np.tile(np.float32([60, 0, 0]), (ROWS, 1)))
    rows, moves = ends[0].taken.rows, ends[0].taken.moves
    assert np.allclose(settled.outputs(rows, moves) - held.outputs(rows, moves), [60, 0, 0], atol=1e-4)
    half = held_of(weight, features, share=0.5)
    assert np.allclose(half.outputs(rows, moves), 0.5 * held.outputs(rows, moves), atol=1e-5)


def test_columns_beside_the_text_stay_where_they_are(made):
    _, ends, weight, features = made
    wide = np.concatenate([features, np.random.default_rng(1).normal(size=(ROWS, 4))], axis=1)
    more = np.concatenate([weight, np.eye(3, 4)], axis=1)
    held = held_of(more, wide)
    rows, moves = ends[0].taken.rows, ends[0].taken.moves
    assert held.vectors().shape == (ROWS, WIDTH)
    kept = wide.copy()[rows]
    kept[:, :WIDTH] += moves
    assert np.allclose(held.outputs(rows, moves), kept @ more.T, atol=1e-4)
    assert np.array_equal(held.features, wide.astype(np.float32))  # nothing is moved for good


def test_a_head_of_drawn_weights_reads_directions_as_seldom_as_chance_says(made):
    held, ends, _, _ = made
    passed = [judge(replace(held, head=drawn_anew(held.head, seed=seed)), ends, seed=seed) for seed in range(40)]
    assert sum(bool(one) for one in passed) <= 5


def test_effects_are_others_on_shuffled_heads(made, monkeypatch):
    held, ends, _, _ = made
    kept = [one.end for one in judge(held, ends)]
    alike = against_shuffled(held, kept)
    assert abs(alike.value) < 0.3 and alike.low <= alike.value <= alike.high and alike.n == judging.SHUFFLES
    monkeypatch.setattr(judging, "drawn_anew", lambda head, *, seed: head)
    assert against_shuffled(held, kept).value == pytest.approx(1.0)


def test_a_number_is_pushed_higher_and_lower(made):
    _, ends, weight, features = made
    task = Regression(mean=10.0, scale=5.0, log=False, low=0.0, high=20.0)
    held = held_of(weight[[1]], features, task=task)
    (one,) = judge(held, ends)
    assert one.end is ends[0] and one.effects.shown(-1, 3) == [0] and one.effects.shown(1, 3) == []
    rows, moves = one.end.taken.rows, one.end.taken.moves
    lost = -5.0 * moves @ weight[1]
    (score,) = one.effects.scores([0])
    assert score.value == pytest.approx(lost.mean(), rel=1e-4) and score.value < 0 and score.n == len(rows)


def test_no_direction_is_judged_where_there_is_none(made):
    assert judge(made[0], []) == []
