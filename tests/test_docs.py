"""What the pages for users show can be done as it stands there."""

import re
from pathlib import Path

import yaml

from tunewright.data.expressions import parse
from tunewright.evaluation.behaviours import read_behaviours
from tunewright.plan import read_plan

ROOT = Path(__file__).parents[1]


def blocks(page):
    return re.findall(r"```yaml\n(.*?)```", (ROOT / page).read_text("utf-8"), re.S)


def test_the_plan_of_the_readme_can_be_read():
    (block,) = blocks("README.md")
    plan = read_plan(block)
    assert plan.data.target == "team" and plan.splits.folds == 5
    for condition in (*plan.knowledge.derive.values(), *plan.knowledge.protect):
        assert parse(condition).columns


def test_the_knowledge_page_can_be_read(tmp_path):
    plans = [block for block in blocks("docs/knowledge.md") if block.startswith("knowledge:")]
    assert len(plans) == 2
    for block in plans:
        knowledge = read_plan(block).knowledge
        for condition in (*knowledge.derive.values(), *knowledge.protect):
            assert parse(condition).columns
    (behaviours,) = (block for block in blocks("docs/knowledge.md") if block.startswith("- name"))
    path = tmp_path / "behaviours.yaml"
    path.write_text(behaviours, "utf-8")
    assert len(read_behaviours(path)) == len(yaml.safe_load(behaviours)) == 3


def test_the_explaining_page_can_be_read():
    (block,) = blocks("docs/explaining.md")
    assert read_plan(block).knowledge.expect == ("message", "amount", "invoice")


def test_the_functions_of_the_page_exist():
    page = (ROOT / "docs/knowledge.md").read_text("utf-8")
    names, parts = (
        set(re.findall(r"`(log1p|log|sqrt|abs|length|words|lower|upper)`", page)),
        re.findall(r"`\.(\w+)`", page),
    )
    assert len(names) == 8 and len(parts) >= 5
    assert all(parse(f"{name}(x)").columns == ("x",) for name in names)
    assert all(parse(f"x.{part}").columns == ("x",) for part in parts)


def test_the_keeper_s_plan_of_the_page_can_be_read(tmp_path):
    from tunewright.living.keeping import read_keep_plan

    (block,) = blocks("docs/adapting.md")
    path = tmp_path / "keep.yaml"
    path.write_text(block, "utf-8")
    assert read_keep_plan(path).labelled == "labelled.csv"
