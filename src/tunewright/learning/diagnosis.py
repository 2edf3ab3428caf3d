"""Whether training went well, in words: a pure function of the learning curve and a few facts.

Metrics decide, not losses: a head that starts from a fitted probe grows overconfident long before it grows worse, so a
validation loss that rises is no verdict. Metrics are compared as shares of the way from what an answer that is blind to
the row scores (0) to a perfect one (1), so that one set of thresholds serves all of them; a difference that the
standard error explains is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from tunewright.learning.course import CHANCE, NOISE, Course, Facts
from tunewright.records import Diagnosis, Epoch, LearningCurve

FALL = 0.1  # share of the way that train rows lose where training came off the road
JUMPS = 0.25  # share of an epoch's updates whose loss jumped
LEAK = 0.5  # of a row's loss afterwards: less while training says that the batch told the label
MOVED = 0.05  # share by which the train loss must change for training to have done anything
LEARNED = 0.15  # share of the way on train rows below which nothing was learned
GAP = 0.2  # between train and validation rows, where training gained nothing for the latter
FEW = 50.0  # rows that a model may know by heart without anything being wrong with their labels
LITTLE = 0.35  # share of the way on train rows below which a model underfits
DOUBTFUL = 0.1  # share of train rows with a doubtful label; clean hard sets have up to 0.07
RECALLED = 0.4  # of the distance between doubtful and other rows' losses that is left once the former are memorised

ADVICE = {
    "early_stop": "stop earlier: early stopping keeps the best epoch",
    "more_regularisation": "regularise more: dropout, weight decay, label smoothing or augmentation",
    "fewer_trainable_layers": "let fewer layers train: model.train: layers:2, lora or head",
    "more_trainable_layers": "let more layers train: model.train: full",
    "lower_learning_rate": "lower training.learning_rate tenfold",
    "higher_learning_rate": "raise training.learning_rate tenfold",
    "more_epochs": "raise training.epochs",
    "more_data": "label more rows: data is the bottleneck",
    "check_labels": "look at the labels, the doubtful ones first",
    "check_columns": "see whether these columns can tell the target at all",
    "shuffle": "shuffle the rows: a batch must not tell its label",
}


def diagnose(curve: Sequence[Epoch], facts: Facts, *, ended: bool = True) -> Diagnosis:
    """Say whether training went well.

    Args:
        curve: the learning curve, metrics in their own direction; its first point is the probe.
        facts: what else is known.
        ended: whether training is over; before, a verdict needs two bad epochs in a row, and what could still come
            right is not judged.

    >>> facts = Facts(metric="accuracy", perfect=1.0, blind=0.5, error=0.01, train_error=0.01, validation_rows=900,
    ...     effective_rows=6000.0, trainable=1000, suspects=0.0, epochs=2)
    >>> seen = [(0.50, 0.90, 0.91), (0.2, 0.93, 0.96), (0.1, 0.94, 0.99)]
    >>> curve = [Epoch(epoch=e, train_loss=loss, validation_loss=0.3, metric=valid, seconds=e, train_metric=train,
    ...     sample_loss=loss) for e, (loss, valid, train) in enumerate(seen)]
    >>> diagnose(curve, facts).verdict
    'good'
    """
    course = Course.of(curve, facts, ended=ended)
    rules: tuple[Callable[[Course], Diagnosis | None], ...] = (_unstable, _nothing, _noise, _overfit, _underfit)
    found = next((one for rule in rules if (one := rule(course)) is not None), None) or _good(course)
    evidence = (*found.evidence, *course.bystanders(found.verdict))
    return replace(found, evidence=evidence, action=course.action(), numbers=course.numbers())


def with_more_rows(found: Diagnosis, curve: LearningCurve) -> Diagnosis:
    """The diagnosis with what is known of more rows: the first advice where they help, none where they do not."""
    if "more_data" not in found.advice:
        return found
    others = tuple(key for key in found.advice if key != "more_data")
    if curve.gain.low > 0:
        return replace(found, advice=("more_data", *others), evidence=(*found.evidence, curve.text.rstrip(".")))
    return replace(found, advice=others, evidence=(*found.evidence, curve.text.rstrip(".")))


def alarming(found: Diagnosis) -> bool:
    """Whether a verdict is one that a person should hear of at once."""
    return found.verdict != "good"


def _unstable(c: Course) -> Diagnosis | None:
    evidence, advice = [], "lower_learning_rate"
    if c.blind:
        return None  # there was nothing to lose
    gained = c.valid[-1] > c.valid[0] + NOISE * c.error
    rough = [e for e in c.curve if e.jumps >= max(JUMPS * e.updates, 2)]
    if rough and not gained:
        worst = max(rough, key=lambda e: e.jumps / e.updates)
        evidence.append(
            f"Epoch {worst.epoch}: the loss of {worst.jumps} of {worst.updates} updates was over twice that of a "
            "constant answer, or not finite"
        )
    fall = max(FALL, NOISE * c.train_error)
    lost = [
        e for e in range(len(c.curve)) if c.train[e] < c.train[0] - fall and c.valid[e] < c.valid[0] - NOISE * c.error
    ]
    ends_lost = bool(lost) and lost[-1] == len(c.curve) - 1
    # What two epochs lost and the falling learning rate only just brought back was lost all the same.
    if (len(lost) < 2 and not (c.ended and ends_lost)) or gained:
        lost = []
    if lost:
        evidence += [c.told(0), c.told(lost[-1])]
    told = [e for e in c.curve[1:] if e.sample_loss and e.train_loss < LEAK * e.sample_loss > LEAK * _start(c)]
    if told and lost:
        last, advice = told[-1], "shuffle"
        evidence.append(
            f"Epoch {last.epoch}: train rows had a loss of {last.train_loss:.3f} in their batches and one of "
            f"{last.sample_loss:.3f} afterwards: batches tell their labels"
        )
    if not evidence:
        return None
    text = "Unstable: training lost what the probe knew." if lost else "Unstable: the loss jumps."
    return Diagnosis(verdict="unstable", text=text, evidence=tuple(evidence), advice=(advice,))


def _nothing(c: Course) -> Diagnosis | None:
    seen = [share for share in c.train if not math.isnan(share)]
    if c.blind and c.ended and (not seen or max(seen) <= max(LEARNED, CHANCE * c.train_error)):
        return Diagnosis(
            verdict="learning nothing",
            text="Learning nothing: neither train nor validation rows are answered better than blindly.",
            evidence=(c.told(c.best),),
            advice=("check_columns", "check_labels"),
        )
    losses = [e.sample_loss for e in c.curve if e.sample_loss is not None]
    enough = len(losses) == len(c.curve) >= (2 if c.ended else max(3, 1 + c.facts.epochs / 2))
    if not enough or max(abs(loss - losses[0]) for loss in losses) >= MOVED * losses[0]:
        return None
    return Diagnosis(
        verdict="learning nothing",
        text="Learning nothing: the weights hardly move.",
        evidence=(f"The loss on train rows went from {losses[0]:.4f} to {losses[-1]:.4f} in {len(losses) - 1} epochs",),
        advice=("higher_learning_rate",),
    )


def _noise(c: Course) -> Diagnosis | None:
    known = [e for e in range(len(c.curve)) if c.train[e] > max(LEARNED, CHANCE * c.train_error)]
    if c.blind and known and (c.ended or len(c.curve) >= 3) and c.facts.effective_rows >= FEW:
        return Diagnosis(
            verdict="memorising noise",
            text="Memorising noise: train rows are learned by heart, and nothing of it holds for validation rows.",
            evidence=(c.told(known[-1]),),
            advice=("check_labels", "check_columns"),
        )
    left = [_left(c.curve[0], e) for e in c.curve]
    since = c.since(lambda e: left[e] is not None and (left[e] or 0.0) <= RECALLED)
    if c.facts.suspects < DOUBTFUL or not since:
        return None
    if max(c.valid[since:]) > max(c.valid[:since]) + NOISE * c.error:
        return None
    first, last = c.curve[0], c.curve[-1]
    return Diagnosis(
        verdict="memorising noise",
        epoch=since,
        text=f"Memorising noise since epoch {since}: doubtful labels are learned by heart, validation gains nothing.",
        evidence=(
            f"{c.facts.suspects:.0%} of the train labels are doubtful; their loss went from {first.suspect_loss:.2f} "
            f"to {last.suspect_loss:.2f}, that of the others from {first.other_loss:.2f} to {last.other_loss:.2f}",
            c.told(since - 1),
            c.told(len(c.curve) - 1),
        ),
        advice=("check_labels", "more_regularisation", "early_stop"),
    )


def _overfit(c: Course) -> Diagnosis | None:
    best, last = c.best, len(c.curve) - 1
    if c.blind and not c.ended:
        return None
    fallen = c.since(lambda e: e > best and c.valid[e] < c.valid[best] - NOISE * c.error)
    if fallen is not None and not c.train[last] < c.train[best] - NOISE * c.train_error:
        return Diagnosis(
            verdict="overfit",
            epoch=fallen,
            text=f"Overfit from epoch {fallen}: train rows gain, validation rows lose.",
            evidence=(c.told(best), c.told(last)),
            advice=("fewer_trainable_layers", "more_regularisation", "more_data"),
        )
    wide = max(GAP, CHANCE * math.hypot(c.error, c.train_error))
    gap = c.since(lambda e: c.train[e] - c.valid[e] >= wide)
    if gap is None or c.valid[best] > c.valid[0] + NOISE * c.error:
        return None
    return Diagnosis(
        verdict="overfit",
        epoch=gap,
        text=f"Overfit from {'the probe on' if gap == 0 else f'epoch {gap}'}: what is learned of train rows does not "
        "hold for validation rows.",
        evidence=(c.told(gap), *([c.told(last)] if last > gap else [])),
        advice=("more_data", "more_regularisation", "fewer_trainable_layers"),
    )


def _underfit(c: Course) -> Diagnosis | None:
    last = len(c.curve) - 1
    if not c.ended:
        return None
    if 0 < last == c.best and last >= c.facts.epochs and c.valid[last] > c.valid[last - 1] + NOISE * c.error:
        return Diagnosis(
            verdict="underfit",
            text="Underfit: the last epoch was still the best, by more than noise.",
            evidence=(c.told(last - 1), c.told(last)),
            advice=("more_epochs", "higher_learning_rate"),
        )
    train, valid = c.train[c.best], c.valid[c.best]
    if not max(train + NOISE * c.train_error, valid) < LITTLE or train - valid > max(GAP / 2, NOISE * c.error):
        return None
    return Diagnosis(
        verdict="underfit",
        text="Underfit: even of the rows it learned from the model explains little.",
        evidence=(c.told(c.best),),
        advice=("more_trainable_layers", "more_epochs", "check_columns"),
    )


def _good(c: Course) -> Diagnosis:
    text = "Good: what is learned of train rows holds for validation rows."
    if NOISE * c.error > GAP:
        text = f"Good, as far as {c.facts.validation_rows:,} validation rows can show."
    evidence = [c.told(c.best)] if c.best == 0 else [c.told(0), c.told(c.best)]
    return Diagnosis(verdict="good", text=text, evidence=tuple(evidence))


def _left(first: Epoch, epoch: Epoch) -> float | None:
    """How much of the first distance between doubtful and other rows' losses is left."""
    losses = (first.suspect_loss, first.other_loss, epoch.suspect_loss, epoch.other_loss)
    if any(loss is None for loss in losses):
        return None
    was, is_now = (
        (first.suspect_loss or 0) - (first.other_loss or 0),
        (epoch.suspect_loss or 0) - (epoch.other_loss or 0),
    )
    return is_now / was if was > 0 else None


def _start(c: Course) -> float:
    return c.curve[0].sample_loss or 0.0
