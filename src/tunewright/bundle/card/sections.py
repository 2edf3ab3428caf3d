"""What a model card says, section by section: each makes lines of the evidence, or none where nothing is to be said."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tunewright.bundle.card.costs import costs
from tunewright.bundle.card.failing import failing, per_class, robust
from tunewright.bundle.card.markdown import bullets, code, prose, scored, table
from tunewright.data.wording import agreeing
from tunewright.records import ChoiceEvidence, Evidence
from tunewright.stats import rounded

Section = Callable[[Evidence], list[str]]
REMEDIES = 8


def intended(evidence: Evidence) -> list[str]:
    """What it is for."""
    columns = ", ".join(f"{code(name)} ({kind})" for name, kind in evidence.data.columns.items())
    lines = [f"Predicts {code(evidence.data.target)} ({evidence.task}) from {columns}."]
    return [*lines, "", *bullets(evidence.uses)] if evidence.uses else lines


def scores(evidence: Evidence) -> list[str]:
    """Metrics of both parts, beside the baselines."""
    test, validation = (evidence.metrics.get(part, {}) for part in ("test", "validation"))
    times = "once" if evidence.looks == 1 else f"{evidence.looks} times"
    order = [evidence.metric, *(name for name in test if name != evidence.metric)]
    lines = [
        f"Scored on {evidence.data.test:,} sealed test rows, which took no part in any choice and were looked at "
        f"{times}. {code(evidence.metric)} decided on validation rows. Intervals are of 95 %, n is rows.",
        "",
        *table(
            ["metric", "test", "validation"],
            [[code(name), scored(test.get(name)), scored(validation.get(name))] for name in order],
        ),
    ]
    return lines + (["", *_beside(evidence)] if evidence.baselines else [])


def _beside(evidence: Evidence) -> list[str]:
    paired = {one.b: one for one in evidence.comparisons if one.metric == evidence.metric}
    rows = [["this model", scored(evidence.metrics.get("test", {}).get(evidence.metric)), ""]]
    for name, values in evidence.baselines.items():
        one = paired.get(name)
        said = "" if one is None else f"{rounded(one.difference, beside=0.0)}: {one.verdict}"
        rows.append([prose(name), scored(values.get(evidence.metric)), said])
    return table([f"{code(evidence.metric)}, test", "value", "this model less it, on the same rows"], rows)


def confidence(evidence: Evidence) -> list[str]:
    """What its confidence is worth."""
    trust = evidence.trust
    if trust is None:
        return []
    said = []
    if trust.calibration is not None:
        said.append(
            f"Expected calibration error on test rows: {rounded(trust.calibration.ece[1])} "
            f"(temperature {trust.calibration.temperature:.3g}, fitted on validation rows)."
        )
    if trust.promise is not None:
        what = "Label sets" if trust.promise.single is not None else "Prediction intervals"
        said.append(
            f"{what} promise the truth in {trust.promise.promised:.0%} of the rows and kept that in "
            f"{rounded(trust.promise.covered)}."
        )
    return [" ".join(said)] if said else []


def limits(evidence: Evidence) -> list[str]:
    """What speaks against relying on it."""
    return bullets(evidence.limits)


def data(evidence: Evidence) -> list[str]:
    """What it learned from, with digests."""
    one = evidence.data
    found = ", ".join(f"{kind.replace('_', ' ')} ({n})" for kind, n in one.findings.items()) or "nothing"
    dropped = f" ({one.dropped:,} more were left out)" if one.dropped else ""
    return table(
        ["", ""],
        [
            ["files", prose(", ".join(one.files) or "in memory")],
            ["trained on", f"{one.train:,} rows{dropped}"],
            ["chosen on", f"{one.validation:,} rows"],
            ["tested on", f"{one.test:,} rows"],
            ["split", prose(one.split)],
            ["findings of the audit", prose(found)],
            ["content of train and validation rows, SHA-256", f"`{one.fingerprint}`"],
            ["content of test rows, SHA-256", f"`{one.test_digest}`"],
        ],
    )


def made(evidence: Evidence) -> list[str]:
    """How it was made, and out of how many attempts it was chosen."""
    chosen = evidence.chosen
    base = "" if evidence.origin.base_model is None else f" It started from `{evidence.origin.base_model}`."
    beside = {"words": "with a linear model over words added", "trees": "with boosted trees over the columns mixed in"}
    words = "".join(f", {beside[name]}" for name in chosen.beside)
    return [
        f"What trained: {prose(chosen.method)}; kept: the {chosen.kept} model{words} ({prose(chosen.why)}). "
        f"{chosen.trainable:,} of {chosen.parameters:,} weights were free. Precision: {chosen.precision}.{base}",
        "",
        *bullets([*_tried(chosen), *chosen.told]),
    ]


def _tried(chosen: ChoiceEvidence) -> list[str]:
    """What was tried before, for whoever judges how lucky the best may have been."""
    kept = f"{len(chosen.remedies)} kept"
    kept += f": {', '.join(name.replace('_', ' ') for name in chosen.remedies[:REMEDIES])}" if chosen.remedies else ""
    trials = agreeing(chosen.trials, "set of hyperparameters was", "sets of hyperparameters were")
    rounds = agreeing(chosen.rounds, "round of improvement was", "rounds of improvement were")
    remedies = agreeing(chosen.remedies_tried, "remedy for the data was", "remedies for the data were")
    tried = [
        (chosen.trials, f"{chosen.trials} {trials} tried on validation rows."),
        (chosen.rounds, f"{chosen.rounds} {rounds} tried on validation rows."),
        (chosen.remedies_tried, f"{chosen.remedies_tried} {remedies} tried on folds ({kept})."),
        (
            chosen.folds > 1,
            f"The recipe was cross-validated on {chosen.folds} folds, then fitted on all of their rows.",
        ),
    ]
    said = [text for did, text in tried if did]
    return said or ["Nothing else was tried: no search, no rounds, no remedy."]


def looked_at(evidence: Evidence) -> list[str]:
    """Which columns it uses, and whether its explanations can be trusted."""
    if not evidence.importances:
        return []
    rows = [[code(one.name), scored(one.drop)] for one in evidence.importances[:12]]
    method = (
        "No method of explanation passed its checks on this model."
        if evidence.explanation is None
        else f"Single answers are explained by {evidence.explanation.replace('_', ' ')}, which passed its checks."
    )
    return [
        f"What {code(evidence.metric)} loses on held-out rows when a column's cells are dealt out anew:",
        "",
        *table(["column", "loss"], rows),
        "",
        method,
    ]


def use(_: Evidence) -> list[str]:
    """How to call it, and what the files hold."""
    return [
        "```python",
        "import tunewright as tw",
        "",
        'tw.load("this folder").predict("rows.csv")',
        "```",
        "",
        "The bundle holds words that several train rows share, categories and labels of the train rows, digests that "
        "tell a row it learned from again, and no whole row. Whoever gets it can read them. `evidence.json` holds what "
        "this card says, for machines.",
    ]


def digests(evidence: Evidence) -> list[str]:
    """What names it."""
    rows = [[prose(name), f"`{value}`"] for name, value in evidence.digests.items()]
    versions = ", ".join(f"{name} {version}" for name, version in evidence.versions.items())
    base = evidence.origin.base_digest
    rows += [["base model", f"`{base}`"]] if base else []
    return [*table(["of", "SHA-256"], rows), "", f"Made with {prose(versions)}."]


SECTIONS: Sequence[tuple[str, Section]] = (
    ("What it is for", intended),
    ("How good it is", scores),
    ("Per class", per_class),
    ("Where it fails", failing),
    ("How it fares on damaged rows", robust),
    ("What its confidence is worth", confidence),
    ("Limits", limits),
    ("Data", data),
    ("How it was made and chosen", made),
    ("What it looks at", looked_at),
    ("What it costs", costs),
    ("Use", use),
    ("Digests", digests),
)
