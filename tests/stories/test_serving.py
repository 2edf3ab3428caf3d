"""Real bundles behind the server: read, tried, swapped, refused; and what arguments of `serve` mean."""

from __future__ import annotations

import asyncio
import json
import shutil

import polars as pl
import pytest

import tunewright as tw
from tunewright.errors import ModelError, PlanError
from tunewright.serving.keeping import Bundles, renew
from tunewright.serving.options import ServingOptions
from tunewright.serving.service import close_service, open_service
from tunewright.serving.trial import try_out
from tunewright.stories.deploying.serving import Source, digest_at, open_shelf, open_version, read_source


@pytest.fixture(scope="module")
def two_bundles(make_rows, tiny_model, tmp_path_factory):
    """Two runs on the same columns, and their rows."""
    folder = tmp_path_factory.mktemp("bundles")
    frame = make_rows("mixed", 150, 0).drop("part", "worth")
    plan = {"model": {"name": str(tiny_model), "train": "head"}, "columns": {"y": "category"}}
    for seed in (0, 1):
        tw.run(frame, target="y", out=folder / f"run{seed}", seed=seed, **plan)
    return folder, frame.drop("y")


@pytest.fixture
def place(two_bundles, tmp_path):
    """A folder that another bundle can be put into."""
    shutil.copytree(two_bundles[0] / "run0" / "bundle", tmp_path / "bundle")
    return tmp_path / "bundle"


def test_names_of_models():
    assert read_source("tickets=runs/a/bundle") == Source(name="tickets", where="runs/a/bundle")
    assert read_source("runs/tickets-1a2b/bundle").name == "tickets-1a2b"
    assert read_source("runs/tickets-1a2b/bundle/").name == "tickets-1a2b"
    assert read_source("runs/my tickets/").name == "my-tickets"
    assert read_source("s3://bucket/runs/best/bundle").name == "best"
    assert read_source("/tmp/a=b/bundle").name == "a-b"
    for wrong in ("my model=x", "a=", "=x", "ä=x"):
        with pytest.raises(PlanError, match="NAME=BUNDLE"):
            read_source(wrong)


def answers_of(version, rows):
    checked = version.schema.of_rows(rows)
    return version.answer(version.schema.frame([checked]))


def test_a_version_answers_as_the_loaded_bundle_does(two_bundles):
    folder, frame = two_bundles
    source = Source(name="m", where=str(folder / "run0"))  # a run folder will do
    version = open_version("m", source, options=ServingOptions())
    assert version.version == digest_at(Source(name="m", where=str(folder / "run0" / "bundle")))
    expected = tw.load(folder / "run0" / "bundle").predict(frame)
    assert answers_of(version, frame.to_dicts()).equals(expected)
    assert version.labels == ("c0", "c1", "c2", "c9") and version.target == "y" and version.task == "multiclass"
    try_out(version)
    assert version.pace.weight > 4  # five batches have told how long they take


def test_an_explanation_holds_no_row_of_the_training_data(two_bundles):
    folder, frame = two_bundles
    version = open_version("m", Source(name="m", where=str(folder / "run0" / "bundle")), options=ServingOptions())
    row = frame.row(0, named=True)
    told = version.explain(row, None)
    assert told["neighbours"] == [] and told["tokens"] and told["columns"]
    assert json.dumps(told)
    assert version.explain(row, "c2")["label"] == "c2"
    others = [text for text in frame["message"].to_list() if text != row["message"]]
    assert not any(text in json.dumps(told) for text in others)


@pytest.mark.parametrize("kind", ["table", "mixed", "text"])
def test_the_example_is_a_row_of_the_schema(learned, kind):
    from tunewright.bundle.predictor import Predictor
    from tunewright.stories.deploying.serving import version_of

    _, _, fitted = learned(kind)
    version = version_of(Predictor(fitted.model), name="m", version="1", options=ServingOptions(strict=True))
    assert version.schema.of_rows([dict(version.example)]).notes == ()
    try_out(version)


def renewed(place, change, **options):
    """Serve what lies at a place, change it, look again; what was said, the versions, answers before and after."""
    said = []

    async def go():
        source = Source(name="m", where=str(place))
        given = ServingOptions(**options)
        shelf = open_shelf([source], given)
        service = open_service(given, shelf)
        bundles = Bundles(digest=digest_at, load=lambda name, where: open_version(name, where, options=given))
        before = shelf.find()
        change()
        try:
            await renew(shelf.places[0], service=service, bundles=bundles, refused={}, say=said.append)
        finally:
            await asyncio.to_thread(close_service, service)
        return before, shelf.find()

    before, after = asyncio.run(go())
    return said, before, after


def put(place, other):
    shutil.rmtree(place)
    shutil.copytree(other, place)


def test_another_bundle_takes_the_place(two_bundles, place):
    folder, frame = two_bundles
    said, before, after = renewed(place, lambda: put(place, folder / "run1" / "bundle"))
    assert after.version != before.version and said == [f"m is at {after.version} now; it was at {before.version}."]
    expected = tw.load(folder / "run1" / "bundle").predict(frame)
    assert answers_of(after, frame.to_dicts()).equals(expected)


def damage(place):
    weights = place / "head.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    sums = place / "SHA256SUMS"
    sums.write_text(sums.read_text() + "\n")


@pytest.mark.parametrize(
    "change",
    [damage, lambda place: (place / "SHA256SUMS").unlink(), shutil.rmtree],
    ids=["a bit flipped", "no list of digests", "gone"],
)
def test_a_damaged_bundle_does_not(two_bundles, place, change):
    said, before, after = renewed(place, lambda: change(place))
    assert after is before
    assert len(said) == 1 and "refused" in said[0]
    answers_of(after, two_bundles[1].to_dicts())


def test_a_bundle_of_other_columns_does_not(make_rows, tiny_model, place, tmp_path):
    frame = make_rows("table", 150, 0).drop("part")
    tw.run(frame, target="y", out=tmp_path / "other", model={"name": str(tiny_model)})
    said, before, after = renewed(place, lambda: put(place, tmp_path / "other" / "bundle"))
    assert after is before and "refused" in said[0] and "column" in said[0]


def test_a_bundle_that_is_none_is_refused_at_the_start(tmp_path):
    with pytest.raises(ModelError):
        open_shelf([Source(name="m", where=str(tmp_path))], ServingOptions())
    with pytest.raises(PlanError, match="needs a bundle"):
        open_shelf([], ServingOptions())


def test_the_same_bundle_twice_under_one_name_is_refused(two_bundles):
    where = str(two_bundles[0] / "run0" / "bundle")
    with pytest.raises(PlanError, match="same bundle twice"):
        open_shelf([Source(name="m", where=where)] * 2, ServingOptions())
    assert len(open_shelf([Source(name=n, where=where) for n in "ab"], ServingOptions()).places) == 2


def test_a_row_of_the_data_passes_the_schema_and_a_wrong_one_is_named(two_bundles):
    from tunewright.serving.refusals import Refused

    folder, frame = two_bundles
    version = open_version("m", Source(name="m", where=str(folder / "run0")), options=ServingOptions())
    version.schema.of_rows(frame.head(5).to_dicts())
    with pytest.raises(Refused) as refused:
        version.schema.of_rows([{"messages": "a", "amount": "lots"}])
    assert {one.column for one in refused.value.problems} == {"messages", "message", "amount"}
    assert isinstance(answers_of(version, frame.head(2).to_dicts()), pl.DataFrame)
