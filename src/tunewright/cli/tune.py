"""`tunewright tune`: search for hyperparameters, say which of them matter, and leave the plan that won."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import (
    DataArgument,
    FreshOption,
    JsonOption,
    OnOption,
    PageOption,
    PlanOption,
    QuietOption,
    SetOption,
    TargetOption,
    TestOption,
    TrackOption,
    ValidationOption,
    plan_from,
)
from tunewright.cli.walking import walk

OutOption = Annotated[
    str | None,
    typer.Option("--out", metavar="DIR", help="Folder of the search, or a URL. Default: studies/NAME-DIGEST."),
]
TrialsOption = Annotated[
    int | None, typer.Option("--trials", metavar="N", min=1, help="At most so many; or search.trials of the plan.")
]
MinutesOption = Annotated[
    float | None, typer.Option("--minutes", metavar="M", help="At most so long; or budget.minutes of the plan.")
]
SHOWN = 5


def verb(
    data: DataArgument = None,
    target: TargetOption = None,
    plan: PlanOption = None,
    overrides: SetOption = None,
    trials: TrialsOption = None,
    minutes: MinutesOption = None,
    validation: ValidationOption = None,
    test: TestOption = None,
    out: OutOption = None,
    fresh: FreshOption = False,
    on: OnOption = None,
    page: PageOption = False,
    track: TrackOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Search for hyperparameters on validation rows, say which of them matter, and write the plan that won.

    An interrupted search is continued by the same command. The test rows are not looked at.

    Example: tunewright tune tickets.csv --target team --minutes 10
    """
    from tunewright.cli.page import paged, staying
    from tunewright.stories.training.studying import study_story

    given = [f"search.trials={trials}"] if trials is not None else []
    given += [f"budget.minutes={minutes}"] if minutes is not None else []
    resolved = plan_from(
        data, target, plan=plan, overrides=[*(overrides or ()), *given], validation=validation, test=test
    )
    with paged(wanted=page, on=on) as live:
        told = walk(study_story, resolved, out=out, fresh=fresh, quiet=quiet, on=on, hear=live, track=track)
    return Answer(value=told, text=study_text(told), after=staying(live, json=json))


def study_text(told: Mapping[str, Any]) -> str:
    """What a person reads when a search ends: the winner, the best trials, what matters, where the plan is."""
    from tunewright.cli.text import table
    from tunewright.metrics import in_words
    from tunewright.records import Study, from_json
    from tunewright.report.study import best_trials, impact_sentences, winner

    study = from_json(Study, {**told, "strategy": ""})
    rows = [("trial", in_words(told["metric"]), "seconds", "parameters")]
    rows += [(str(one.number + 1), score, f"{one.seconds:.1f}", said) for one, score, said in best_trials(study, SHOWN)]
    return "\n".join(
        [
            "",
            winner(study),
            "",
            table(rows),
            "",
            *impact_sentences(study),
            "",
            f"Report   {told['report']}",
            f"Run      tunewright run --plan {told['plan']}",
        ]
    )
