"""The model card: `README.md` of a bundle, with the YAML header that model hubs read."""

from __future__ import annotations

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
        f"# {name}",
        "",
        evaluation.verdict.text,
        "",
        f"Predicts `{table.target}` ({table.task}) from " + ", ".join(f"`{c.name}` ({c.kind})" for c in features) + ".",
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
        f"{trained.trainable:,} of {trained.parameters:,} weights were free. Precision: {trained.precision}.",
        "",
        "## Use",
        "",
        "```python",
        "import tunewright as tw",
        "",
        'tw.load("this folder").predict("rows.csv")',
        "```",
        "",
        f"Weights digest: `{trained.digest}`",
        "",
    ]
    return "\n".join(lines)
