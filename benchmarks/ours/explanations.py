"""Explanations of one small model: what each method is worth, and whether a planted shortcut is seen."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter

import polars as pl

from tunewright.explain.asking import Asker
from tunewright.explain.whole import check_cases, explain_model
from tunewright.plan import read_plan
from tunewright.planting.leak_column import LeakingColumn
from tunewright.planting.leak_word import LeakingWord
from tunewright.records import to_json
from tunewright.runfolder.context import RunContext
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training.station import judge
from tunewright.testing import plant


def fitted_on(frame, plan):
    """The fitted model and its problem."""
    from tunewright.learning.fit import fit

    prepared = prepare(load_rows(plan, frame), plan)
    judging, choices = judge(prepared, plan)
    return fit(judging, choices, RunContext()).model, judging.problem, prepared.objective.metric


def whole(frame, plan):
    """What the model fitted on a table looks at, by its validation rows."""
    model, problem, metric = fitted_on(frame, plan)
    typed, targets = problem.typed["validation"], problem.targets["validation"]
    return explain_model(model, typed, targets, metric=metric, part="validation", seed=plan.seed)


def planted(frame, plan, config):
    """Plant a mark in one class and say where the explanation ranks it."""
    target = plan.data.target
    share = config["share"]
    fault = LeakingWord(share=share) if config["text"] else LeakingColumn()
    dirty, truth = plant(frame, target, [fault], seed=plan.seed, parts=frame["part"].to_list())
    told = truth[fault.name]
    found = whole(dirty, plan)
    if not config["text"]:
        rank = [one.name for one in found.columns].index(told.columns[0]) + 1
        return {"rank": rank, "linear": None, "flagged": None, "seconds": found.seconds}
    (column,) = told.columns
    new = Counter(
        word
        for row in told.rows
        for word in {*dirty[column][row].casefold().split()} - {*frame[column][row].casefold().split()}
    )
    word = new.most_common(1)[0][0]
    label = Counter(dirty[target][list(told.rows)].to_list()).most_common(1)[0][0]
    return {
        "rank": place(found.words.get(label, ()), word),
        "linear": place(found.linear_words.get(label, ()), word),
        "flagged": any(one.name == word and one.verdict == "rules undeclared" for one in found.expectations),
        "seconds": found.seconds,
    }


def place(effects, word):
    """Rank of a word, or None where it is not listed."""
    names = [one.text for one in effects]
    return names.index(word) + 1 if word in names else None


def main():
    """Answer one config."""
    config = json.loads(sys.argv[1])
    plan = read_plan(**config["plan"])
    frame = pl.read_parquet(config["data"])
    model, problem, metric = fitted_on(frame, plan)
    checks = check_cases(Asker(model), problem.typed["test"].head(config["checked"]), seed=plan.seed)
    typed, targets = problem.typed["validation"], problem.targets["validation"]
    spent = time.process_time()
    clean = explain_model(model, typed, targets, metric=metric, part="validation", seed=plan.seed)
    spent = time.process_time() - spent
    result = {
        "cpu_seconds": spent,
        "checks": to_json(checks),
        "clean": to_json(clean),
        "beside": [name for name, has in (("words", model.lexical), ("trees", model.trees)) if has is not None],
        "planted": planted(frame, plan, config),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
