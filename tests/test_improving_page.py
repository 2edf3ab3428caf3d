"""What docs/improving.md says holds: its moves are the moves, its plan can be read, its commands do what it tells."""

import gzip
import html
import json
import re
import shlex
from pathlib import Path

import polars as pl
import pytest

from tunewright.cli import main
from tunewright.plan import read_plan
from tunewright.records import Improvement, RemedyTrial, from_json
from tunewright.report.effects import effect, points
from tunewright.stories.training.moves import ADVISED, MOST_EPOCHS, MOVES

PAGE = Path(__file__).parents[1] / "docs/improving.md"
SHARED = Path(__file__).parents[2] / "shared" / "data"
FILES = {
    "googleplay.csv": "googleplay/googleplaystore.csv.gz",
    "marvel.csv": "marvel_characters/marvel-wikia-data.csv.gz",
}
ROWS = 900  # of each table, so that eight trainings take minutes
QUICK = ["training.epochs=2"]


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.S)


def test_the_plan_can_be_read():
    (block,) = blocks("yaml")
    plan = read_plan(block)
    assert plan.improve.rounds == 3 and plan.audit.apply == "verified" and plan.budget.minutes == 30


def test_the_moves_of_the_page_are_the_moves():
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]*)\|$", PAGE.read_text("utf-8"), re.M)
    told = [(name.strip(), tuple(re.findall(r"`(\w+)`", advice))) for name, _, advice in rows[1:] if "---" not in name]
    assert told == [(move.kind, move.answers) for move in MOVES]
    assert f"up to {MOST_EPOCHS}" in PAGE.read_text("utf-8")
    assert {3.0: "counts three times"}[ADVISED] in PAGE.read_text("utf-8")


def written(folder):
    """The two tables as the page names them, dirty as they are, but shorter."""
    for name, path in FILES.items():
        text = gzip.decompress((SHARED / path).read_bytes()).decode("utf-8", errors="replace")
        head, *lines = text.splitlines(keepends=True)
        step = max(len(lines) // ROWS, 1)
        (folder / name).write_text(head + "".join(lines[::step][:ROWS]), "utf-8")
        assert pl.read_csv(folder / name, infer_schema=False, truncate_ragged_lines=True).height > ROWS / 2


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared public data sets are not beside the checkout")
def test_both_tables_are_improved_and_the_report_tells_the_story(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    written(tmp_path)
    for line in (line for block in blocks("bash") for line in block.splitlines()):
        _, verb, *rest = shlex.split(line)
        more = [part for one in QUICK for part in ("--set", one)] if verb == "run" else []
        with pytest.raises(SystemExit) as ended:
            main([verb, *rest, *more])
        assert ended.value.code == 0, capsys.readouterr().err
    for name in ("googleplay", "marvel"):
        told(tmp_path / "runs" / name)


def told(folder):
    """The report of a run says everything that its files say, in the order in which it happened."""
    page = html.unescape((folder / "report.html").read_text("utf-8"))
    audit = json.loads((folder / "audit.json").read_text("utf-8"))
    improvement = from_json(Improvement, json.loads((folder / "improvement.json").read_text("utf-8")))
    trials = [from_json(RemedyTrial, one) for one in audit["remedies"]]
    headings = ["What was put right", "What was tried", 'id="h-improvement"', 'id="h-trained"', 'id="h-metrics"']
    places = [page.index(heading) for heading in headings]
    assert places == sorted(places)
    assert audit["findings"] and audit["repairs"] and trials
    tried = page[places[1] : places[2]]
    for trial in trials:
        assert trial.remedy.replace("_", " ") in tried and effect(trial) in tried and trial.why in tried
        assert not trial.kept or trial.rule in ("always", "asked", "") or trial.p_value < 0.025
    assert 1 <= len(improvement.rounds) <= 3 and improvement.why_ended in page
    rounds = page[places[2] : places[3]]
    for one in improvement.rounds:
        assert one.move in rounds and one.why in rounds and one.seen in rounds
        assert one.difference is None or points(improvement.metric, one.difference) in rounds
        shown = one.difference is not None and one.difference.low > 0 and one.p_value * 3 <= 0.05
        assert one.kept == shown
    evaluation = json.loads((folder / "evaluation.json").read_text("utf-8"))
    assert evaluation["looks"] == 1
