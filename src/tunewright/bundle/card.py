"""The model card: `README.md` of a bundle, with the YAML header that model hubs read."""

from __future__ import annotations

import re
from html import escape

from tunewright.data.masking import masked
from tunewright.records import Evaluation, Split, Table, TrainedModel
from tunewright.stats import rounded


def model_card(name: str, *, table: Table, trained: TrainedModel, evaluation: Evaluation, split: Split) -> str:
    """Write the card; it holds counts, names of columns and scores, never a row of the data.

    Args:
        name: the run's.
        table: what the model reads and predicts.
        trained: how it came to be.
        evaluation: how good it is, beside what.
        split: how many rows it learned from.
    """
    features = [column for column in table.columns if column.role == "feature"]
    sizes = split.sizes()
    words = " with a linear model over words added" if trained.words else ""
    words += (
        (" and" if words else " with") + " boosted trees over the table's columns mixed in" if trained.trees else ""
    )
    metric, times = evaluation.metric, "time" if evaluation.looks == 1 else "times"
    ours = evaluation.metrics["test"].get(metric)
    lines = [
        "---",
        "library_name: tunewright",
        f"pipeline_tag: {'text-classification' if table.features('text') else 'tabular-classification'}"
        if table.task != "regression"
        else "pipeline_tag: tabular-regression",
        "tags: [tunewright, fine-tuned]",
        "---",
        "",
        f"# {_prose(name)}",
        "",
        _prose(evaluation.verdict.text),
        "",
        f"Predicts {_code(table.target)} ({table.task}) from "
        + ", ".join(f"{_code(c.name)} ({c.kind})" for c in features)
        + ".",
        "",
        "## How good it is",
        "",
        f"Scored on {sizes['test']} sealed test rows, looked at {evaluation.looks} {times}.",
        "",
        "| what | " + metric + " (95 % interval, rows) |",
        "|---|---|",
        f"| this model | {rounded(ours) if ours else 'undefined on these rows'} |",
        *(
            f"| {other} | {rounded(scores[metric])} |"
            for other, scores in evaluation.baselines.items()
            if metric in scores
        ),
        "",
        "## How it was made",
        "",
        f"Trained on {sizes['train']} rows, chosen on {sizes['validation']} ({split.how} split). "
        f"What trained: {trained.method}; kept: the {trained.kept} model{words} ({trained.why}). "
        f"{trained.trainable:,} of {trained.parameters:,} weights were free. Precision: {trained.precision}."
        + _diagnosed(trained),
        "",
        "## Use",
        "",
        "```python",
        "import tunewright as tw",
        "",
        'tw.load("this folder").predict("rows.csv")',
        "```",
        "",
        "The bundle holds words that several train rows share, categories and labels of the train rows, digests that "
        "tell a row it learned from again, and no whole row. Whoever gets it can read them.",
        "",
        f"Weights digest: `{trained.digest}`",
        "",
    ]
    return "\n".join(lines)


def _diagnosed(trained: TrainedModel) -> str:
    """What is said of the training, and of what more rows would give."""
    said = [trained.diagnosis.text] if trained.diagnosis else []
    said += [trained.learning_curve.text] if trained.learning_curve else []
    return "".join(f" {text}" for text in said)


def _prose(text: str) -> str:
    r"""A text from outside in a paragraph: one line, nothing that marks it up, no secret.

    >>> _prose("<b>\x1b[31m*x*")
    '&lt;b&gt;\\\\x1b\\[31m\\*x\\*'
    """
    plain = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in masked(text))
    return escape(re.sub(r"([\\`*\[\]#|~])", r"\\\1", plain), quote=False)


def _code(name: str) -> str:
    """A name as code, whatever signs are in it.

    >>> _code("team"), _code("a<b")
    ('`team`', '<code>a&lt;b</code>')
    """
    said = _prose(name)
    return f"`{name}`" if said == name else f"<code>{said}</code>"
