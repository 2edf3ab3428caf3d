"""What travels with a plan, and what does not."""

import pytest

from tunewright.errors import PlanError
from tunewright.plan import read_plan
from tunewright.stories.placing import luggage
from tunewright.stories.placing.luggage import packed


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one/config.json", "one/deep/vocab.txt", "two/config.json", "tests.yaml", "sheet.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_files_named_by_relative_path_travel(here):
    plan = read_plan(
        None,
        data={"train": "rows.csv", "target": "y"},
        model={"name": "one"},
        search={"space": {"model.name": ["one", "two", "minilm"]}},
        knowledge={"tests": "tests.yaml"},
        audit={"corrections": "sheet.csv"},
    )
    names = ["one/config.json", "one/deep/vocab.txt", "two/config.json", "tests.yaml", "sheet.csv"]
    assert packed(plan) == {name: name.encode() for name in names}


def test_absolute_paths_and_hub_ids_do_not(here):
    assert packed(read_plan(None, model={"name": str(here / "one")})) == {}
    assert packed(read_plan(None, model={"name": "some/hub-id"})) == {}


def test_what_leads_out_of_the_folder_is_refused(here, monkeypatch):
    monkeypatch.chdir(here / "two")
    with pytest.raises(PlanError, match="must lie below the folder a run is started in"):
        packed(read_plan(None, model={"name": "../one"}))


def test_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(luggage, "LARGEST", 20)
    with pytest.raises(PlanError, match="give its absolute path"):
        packed(read_plan(None, model={"name": "one"}))
