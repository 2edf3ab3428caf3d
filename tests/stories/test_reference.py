"""The page of all keys: nothing is missing from it, and the page in docs/ is what is printed."""

from dataclasses import dataclass, field, fields
from pathlib import Path

from tunewright.detectors import DETECTORS
from tunewright.metrics import METRICS
from tunewright.plan import Plan, read_plan
from tunewright.planfile import list_keys, read_yaml
from tunewright.planfile.reference import explained
from tunewright.remedies import REMEDIES
from tunewright.stories.reference import list_reference, write_reference

PAGE = Path(__file__).parents[2] / "docs" / "plan.md"


def leaves(tree, prefix=""):
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_every_key_of_a_written_plan_is_there_once_and_explained():
    found = [key for key in list_keys(Plan) if ".NAME." not in key.path]
    tree, problems = read_yaml(Plan().to_yaml())
    assert not problems and {key.path for key in found} >= set(leaves(tree))
    assert len({key.path for key in found}) == len(found)
    assert [key.path for key in list_keys(Plan) if len(key.means) < 10] == []
    assert {key.path.split(".")[0] for key in found} == {f.name for f in fields(Plan)}


def test_the_defaults_that_are_told_are_those_of_an_empty_plan():
    values = {key["path"]: key["default"] for key in list_reference()["keys"] if ".NAME." not in key["path"]}
    for path, value in values.items():
        held = read_plan()
        for step in path.split("."):
            held = getattr(held, step)
        assert (list(held) if isinstance(held, tuple) else held) == value, path


def test_explanations_run_over_lines_and_end_with_the_paragraph():
    @dataclass(frozen=True)
    class Knobs:
        """Knobs.

        Args:
            speed: how fast,
                in rows a second.
            doors: name to
                width.

        Raises:
            Nothing: at all.
        """

        speed: int = 4
        doors: dict = field(default_factory=dict)

    assert explained(Knobs) == {"speed": "how fast, in rows a second.", "doors": "name to width."}


def test_metrics_findings_and_remedies_are_all_told():
    page = write_reference()
    names = (
        [metric.name for metric in METRICS]
        + [one.kind for one in (*DETECTORS, *REMEDIES)]
        + ["duplicates", "near_duplicates"]
    )
    assert [name for name in names if f"| `{name}` |" not in page] == []


def test_the_page_in_docs_is_what_the_verb_prints():
    assert PAGE.read_text("utf-8") == write_reference(), "docs/plan.md is old: tunewright plan --keys > docs/plan.md"
