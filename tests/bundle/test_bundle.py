"""A bundle answers as the model that was trained, for rows of any kind, or it is refused."""

import hashlib
import json
import resource
import shutil

import numpy as np
import polars as pl
import pytest
import torch

from tunewright.bundle import format as module
from tunewright.bundle.format import write_bundle
from tunewright.bundle.predictor import Predictor
from tunewright.bundle.preprocessor import Preprocessor
from tunewright.bundle.reading import read_bundle
from tunewright.errors import DataError, ExportError, ModelError, RunError

ALL = ["text", "pair", "multilabel", "table", "mixed"]


def write(folder, learned):
    _, judging, fitted = learned
    return write_bundle(
        folder,
        fitted.model,
        backbone_folder=fitted.backbone_folder,
        card="# card\n",
        extra={"versions": {}},
        sample=judging.problem.typed["validation"],
    )


@pytest.fixture(scope="session")
def bundles(learned, tmp_path_factory):
    made = {}

    def get(kind):
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp("bundles") / kind
            write(made[kind], learned(kind))
        return made[kind]

    return get


@pytest.fixture
def copy(bundles, tmp_path):
    def make(kind="text"):
        shutil.copytree(bundles(kind), tmp_path / "copy")
        return tmp_path / "copy"

    return make


def sign(folder):
    """What somebody who tampers would do, too: digests that fit."""
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and p.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names]
    (folder / "SHA256SUMS").write_text("".join(lines))


def edit(folder, name, **changes):
    told = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(told | changes))
    sign(folder)


@pytest.mark.parametrize("kind", ALL)
def test_what_is_read_back_answers_the_same_to_the_bit(learned, bundles, kind):
    _, judging, fitted = learned(kind)
    back = read_bundle(bundles(kind))
    for part in ("validation", "test"):
        np.testing.assert_array_equal(back.outputs(judging.problem.typed[part]), fitted.outputs[part])
    assert (back.task, back.decision, back.metric) == (fitted.model.task, fitted.model.decision, judging.metric)
    assert back.preprocessor == fitted.model.preprocessor
    assert json.loads((bundles(kind) / "parity.json").read_text()) == {
        "rows": 40,
        "label_agreement": 1.0,
        "max_probability_difference": 0.0,
        "passed": True,
    }


@pytest.mark.parametrize("kind", ALL)
def test_preprocessing_json_and_back(learned, kind):
    made = learned(kind)[2].model.preprocessor
    assert Preprocessor.from_json(json.loads(json.dumps(made.to_json(), allow_nan=False))) == made


def test_other_tools_load_the_backbone(learned, bundles):
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(bundles("text")).eval()
    ours = learned("text")[2].model.network.encoder.model.state_dict()
    assert model.state_dict().keys() == ours.keys()
    assert all(torch.equal(value, ours[name]) for name, value in model.state_dict().items())
    assert AutoTokenizer.from_pretrained(bundles("text"))("bako")["input_ids"][0] == 2


def test_nothing_but_plain_formats_is_written(bundles):
    for kind in ALL:
        suffixes = {path.suffix for path in bundles(kind).iterdir()}
        assert suffixes <= {".json", ".safetensors", ".md", ".txt", ""}
        sums = (bundles(kind) / "SHA256SUMS").read_text()
        for path in bundles(kind).iterdir():
            if path.suffix in (".safetensors", ".md") or path.name in ("tunewright.json", "config.json", "parity.json"):
                assert f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" in sums


@pytest.mark.parametrize("kind", ALL)
def test_the_order_and_the_company_of_rows_do_not_matter(bundles, make_rows, kind):
    predictor, frame = Predictor.load(bundles(kind)), make_rows(kind, 40, seed=5).drop("y")
    plain = predictor.predict(frame)
    order = np.random.default_rng(0).permutation(frame.height).tolist()
    number = "prediction" if kind == "pair" else "confidence"
    shuffled = predictor.predict(frame[order])
    np.testing.assert_allclose(shuffled[number].to_numpy(), plain[order][number].to_numpy(), atol=1e-5)
    alone = pl.concat([predictor.predict(frame[i]) for i in range(5)])
    np.testing.assert_allclose(alone[number].to_numpy(), plain[:5][number].to_numpy(), atol=1e-5)
    if kind != "pair":
        assert shuffled["prediction"].to_list() == plain[order]["prediction"].to_list()


@pytest.mark.parametrize("kind", ALL)
def test_predictions_say_what_the_contract_says(learned, bundles, make_rows, kind):
    frame = make_rows(kind, 40, seed=5)
    task = learned(kind)[1].problem.task
    out = Predictor.load(bundles(kind)).predict(frame)
    assert out.height == 40
    if kind == "pair":
        assert out.columns == ["prediction", "confidence", "low", "high"]
        assert out["confidence"].is_null().all()
        assert ((out["low"] < out["prediction"]) & (out["prediction"] < out["high"])).all()
        return
    sets = [] if kind == "multilabel" else ["set"]
    assert out.columns == ["prediction", "confidence", "probabilities", *sets]
    if sets:
        assert all(said in held for said, held in zip(out["prediction"], out["set"], strict=True))
    probabilities = out["probabilities"].struct.unnest()
    assert probabilities.columns == list(task.labels)
    for answer, sure, row in zip(
        out["prediction"], out["confidence"], probabilities.iter_rows(named=True), strict=True
    ):
        if kind == "multilabel":
            assert set(answer.split("|")) <= {*task.labels, ""}
            assert 0 <= sure <= 1
        else:
            assert sure == row[answer]
            assert sum(row.values()) == pytest.approx(1)


def test_a_missing_column_is_named(bundles, make_rows):
    predictor = Predictor.load(bundles("mixed"))
    with pytest.raises(DataError, match="'message'"):
        predictor.predict(make_rows("mixed", 10).drop("message"))
    with pytest.raises(DataError):
        predictor.predict([])


def test_empty_text_and_odd_cells_get_an_answer(bundles):
    rows = pl.DataFrame({"message": ["", None, "漢字 \x00 😀", "bako " * 500], "amount": [None, "abc", "1e400", "3"]})
    out = Predictor.load(bundles("mixed")).predict(rows)
    assert out.height == 4 and out["confidence"].is_finite().all()


def test_evaluate_scores_labelled_rows_and_refuses_others(learned, bundles, make_rows):
    predictor, frame = Predictor.load(bundles("text")), make_rows("text", 40, seed=5)
    scored = predictor.evaluate(frame)
    said = predictor.predict(frame)["prediction"]
    assert scored["accuracy"].value == pytest.approx((said == frame["y"]).mean())
    assert scored["accuracy"].n == 40
    half = frame.with_columns(y=pl.when(pl.arange(40) < 25).then(pl.col("y")))
    assert predictor.evaluate(half)["accuracy"].n == 25
    strange = frame.with_columns(y=pl.when(pl.arange(40) < 10).then(pl.lit("never seen")).otherwise(pl.col("y")))
    assert predictor.evaluate(strange)["accuracy"].value <= 30 / 40
    with pytest.raises(DataError, match="'y'"):
        predictor.evaluate(frame.drop("y"))
    with pytest.raises(DataError, match="rows with a target"):
        predictor.evaluate(frame.with_columns(y=pl.lit(None, pl.String)))


FILES = ["tunewright.json", "head.safetensors", "model.safetensors", "config.json", "tokenizer.json", "README.md"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", ["flip", "cut", "gone"])
def test_a_changed_file_is_refused_by_name(copy, name, how):
    folder = copy()
    path = folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data if how == "flip" else path.read_bytes()[:-1])
    if how == "gone":
        path.unlink()
    with pytest.raises(ModelError, match=r"not|missing|changed|tunewright\.json") as caught:
        read_bundle(folder)
    assert name in str(caught.value)


def test_a_file_that_is_not_listed_is_refused(copy):
    folder = copy()
    (folder / "adapter_model.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match="adapter_model"):
        read_bundle(folder)


def test_code_that_came_with_a_bundle_never_runs(copy, tmp_path):
    folder, canary = copy(), tmp_path / "canary"
    (folder / "evil.py").write_text(f"open({str(canary)!r}, 'w')\nclass Evil: pass\n")
    edit(folder, "config.json", auto_map={"AutoModel": "evil.Evil"})
    with pytest.raises(ModelError):
        read_bundle(folder)
    assert not canary.exists()


def test_a_pickle_in_a_bundle_is_refused(copy):
    folder = copy()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    (folder / "model.safetensors").unlink()
    sign(folder)
    with pytest.raises(ModelError):
        read_bundle(folder)


@pytest.mark.parametrize("listed", ["../outside.json", "/etc/hostname", "", "sub/file.json"])
def test_names_in_the_list_cannot_lead_out(copy, listed):
    folder = copy()
    sums = folder / "SHA256SUMS"
    sums.write_text(sums.read_text() + f"{'0' * 64}  {listed}\n")
    with pytest.raises(ModelError):
        read_bundle(folder)


def test_a_link_in_a_bundle_is_refused(copy, tmp_path):
    folder = copy()
    shutil.move(folder / "head.safetensors", tmp_path / "head.safetensors")
    (folder / "head.safetensors").symlink_to(tmp_path / "head.safetensors")
    with pytest.raises(ModelError, match="head"):
        read_bundle(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"head": {}},
        {"head": {"kind": "quantum"}},
        {"task": {"task": "Cooking"}},
        {"task": None},
        {"pooling": None, "preprocessing": {}},
        {"precision": 7},
    ],
    ids=str,
)
def test_nonsense_with_fitting_digests_is_a_model_error(copy, changes):
    folder = copy()
    edit(folder, "tunewright.json", **changes)
    with pytest.raises(ModelError):
        read_bundle(folder)


def test_weights_that_are_not_finite_are_refused(copy):
    from safetensors.numpy import load_file, save_file

    folder = copy()
    head = load_file(folder / "head.safetensors")
    head["linear.bias"][0] = np.nan
    save_file(head, folder / "head.safetensors")
    sign(folder)
    with pytest.raises(ModelError):
        read_bundle(folder)


def test_a_folder_that_is_no_bundle(tmp_path):
    with pytest.raises(ModelError, match="A bundle is a folder"):
        read_bundle(tmp_path)
    with pytest.raises(ModelError, match="A bundle is a folder"):
        read_bundle(tmp_path / "nowhere")


def test_a_bundle_that_answers_otherwise_is_not_kept(learned, tmp_path, monkeypatch):
    real = module.read_bundle

    def altered(folder):
        back = real(folder)
        with torch.no_grad():
            back.network.head.linear.bias[0] += 0.01
        return back

    monkeypatch.setattr(module, "read_bundle", altered)
    with pytest.raises(ExportError, match="must answer as the model"):
        write(tmp_path / "bundle", learned("text"))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named_and_leaves_nothing(learned, tmp_path):
    model = learned("text")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 10, hard))
    try:
        with pytest.raises(RunError, match=r"bundle must be writable\. Got: .*Free some space"):
            write(tmp_path / "bundle", model)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_new_bundle_replaces_the_old_one(learned, tmp_path):
    for kind in ("table", "text"):
        write(tmp_path / "bundle", learned(kind))
    assert read_bundle(tmp_path / "bundle").backbone is not None
