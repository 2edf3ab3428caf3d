"""A plan that cuts texts short hears of it in the audit and in the run."""

import tunewright as tw


def test_texts_cut_by_the_plan_are_found_in_audit_and_run(make_rows, tiny_model, tmp_path):
    frame = make_rows("text", 150).drop("part")
    model = {"name": str(tiny_model), "train": "head", "max_length": 8}
    found = [f for f in tw.audit(frame, target="y", model=model).findings if f.kind == "truncated_text"]
    assert len(found) == 1 and "Texts are read up to 8 tokens" in found[0].evidence
    assert found[0].columns == ("message",) and found[0].rows_total > 50
    kinds = [f["kind"] for f in tw.run(frame, target="y", model=model, out=tmp_path / "run").summary["findings"]]
    assert kinds.count("truncated_text") == 1


def test_where_nothing_is_cut_or_read_nothing_is_said(make_rows, tiny_model):
    frame = make_rows("text", 150).drop("part")
    model = {"name": str(tiny_model), "train": "head"}
    for deep in (True, False):
        assert not [
            f for f in tw.audit(frame, target="y", model=model, deep=deep).findings if f.kind == "truncated_text"
        ]
