"""`tunewright export`: a bundle for another engine, which answers as the trained model does, or is not written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import JsonOption, QuietOption, refuse_urls

if TYPE_CHECKING:
    from tunewright.records import Exported


def verb(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="The bundle folder of a run, or its URL.")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help="onnx, safetensors-merged, torch-bf16, onnx-int8, openvino-int8; auto: the best of them, measured; "
            "or small: half of the layers, distilled.",
        ),
    ] = "auto",
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="The new folder. Default: BUNDLE-FORMAT.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="FILE", help="Rows to hold it to. Default: the run's validation rows."),
    ] = None,
    unlabelled: Annotated[
        str | None,
        typer.Option("--unlabelled", metavar="FILE", help="More rows to calibrate or distil on, without a target."),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option("--budget", metavar="SHARE", help="How much the metric may fall. Default: 0.01; small: 0.02."),
    ] = None,
    purpose: Annotated[
        str | None,
        typer.Option("--for", metavar="WHAT", help="throughput or latency: what auto measures the formats by."),
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Write BUNDLE for another engine. Every command that takes a bundle takes the new one.

    What is written is read back and answers held-out and difficult rows beside the trained model. Where it differs by
    more than its budget, nothing is written.

    Example: tunewright export runs/tickets-1a2b3c4d/bundle --to onnx-int8
    """
    from tunewright.api import load
    from tunewright.bundle.fetching import local_bundle
    from tunewright.cli.progress import shown
    from tunewright.remote import is_url
    from tunewright.stories.deploying.exporting import Wish, export_story

    refuse_urls({"--out": out})
    if is_url(bundle) and out is None:
        raise typer.BadParameter("is needed where the bundle is at a URL. Name the new folder.", param_hint="--out")
    with shown(quiet=quiet) as show:
        wish = Wish(
            to=to,
            out=Path(out) if out else None,
            data=data,
            unlabelled=unlabelled,
            budget=budget,
            purpose=purpose,
            observe=show,
        )
        found = export_story(load(bundle), local_bundle(bundle), wish)
    return Answer(value=_json(found), text=_text(found))


def _json(found: Exported) -> dict[str, Any]:
    from tunewright.records import to_json

    return {name: value for name, value in to_json(found).items() if name != "schema"}


def _text(found: Exported) -> str:
    from tunewright.cli.text import table

    parity, fall = found.parity, found.parity.metric_difference
    rows = [
        ("rows", f"{parity.rows:,}, {parity.adversarial_rows} of them made to be difficult"),
        ("answers that agree", f"{parity.label_agreement:.2%}"),
        ("largest difference", f"{parity.max_probability_difference:.2g}"),
        ("a row alone or among others", f"{parity.company_difference:.2g}"),
    ]
    if fall is not None:
        rows.append((parity.metric, f"{fall.value:+.4f} ({fall.low:+.4f} to {fall.high:+.4f}) on {fall.n} rows"))
    lines = [f"{found.format}: {found.why}.", "", f"Beside {parity.reference}", table(rows)]
    if found.tried:
        lines += ["", "Formats tried", table([(one.format, one.state, one.why) for one in found.tried])]
    return "\n".join([*lines, "", f"Bundle  {found.path} ({found.size_mb:.1f} MB)"])
