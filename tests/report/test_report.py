"""The report: complete, offline, safe to open, right in what it says."""

from __future__ import annotations

import json
import random
import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.records import (
    Analysis,
    Ceiling,
    Column,
    Comparison,
    Diagnosis,
    Epoch,
    Evaluation,
    Finding,
    LearningCurve,
    Mistake,
    MistakeGroup,
    RemedyTrial,
    Rung,
    Score,
    Slice,
    Slices,
    Split,
    Table,
    TrainedModel,
    Verdict,
)
from tunewright.report import ReportData, render
from tunewright.report.charts import POINTS, confused_pairs, confusion, most_confused, scatter
from tunewright.report.words import baseline, best_baseline, headline, interval, value, visible
from tunewright.stats import rounded

TEAMS = (
    "billing", "refunds", "shipping and delivery", "returns", "account access", "privacy and data requests",
    "outages", "integrations", "mobile app", "sales", "partners", "legal",
)  # fmt: skip
HOSTILE = (
    "<script>alert(1)</script>\"'</SCRIPT><!-- \x1b[31mred\x00 <a href='https://evil.example'>x</a> {{ 7*7 }} \u202e"
)


def a_score(value: float, *, half: float = 0.02, n: int = 139) -> Score:
    return Score(value=value, low=value - half * 1.1, high=min(value + half, 1.0), n=n)


def a_matrix(size: int, *, seed: int = 0, per_class: int = 12) -> tuple[tuple[int, ...], ...]:
    """A diagonal-heavy confusion matrix."""
    dice = random.Random(seed)
    rows = []
    for truth in range(size):
        row = [0] * size
        for _ in range(per_class + dice.randrange(6)):
            row[truth if dice.random() < 0.86 else (truth + dice.choice([1, 1, 1, 2, 5])) % size] += 1
        rows.append(tuple(row))
    return tuple(rows)


def a_comparison(b: str, value: float, *, half: float = 0.02, verdict: str | None = None) -> Comparison:
    said = verdict or ("better" if value > half else "worse" if value < -half else "no evidence")
    p = 0.0003 if abs(value) > 2 * half else 0.02 if abs(value) > half else 0.41
    gap = Score(value=value, low=value - half, high=value + half, n=139)
    return Comparison(metric="f1_macro", a="model", b=b, difference=gap, p_value=p, verdict=said)  # type: ignore[arg-type]


def multiclass() -> ReportData:
    matrix = a_matrix(len(TEAMS))
    columns = (
        Column(name="message", kind="text", role="feature", why="long free text: 11 words on average", distinct=912),
        Column(name="channel", kind="category", role="feature", why="4 distinct values", missing=31, distinct=4),
        Column(name="amount", kind="number", role="feature", why="every value is a number", missing=402, distinct=377),
        Column(name="created_at", kind="datetime", role="feature", why="every value is a date and time", distinct=921),
        Column(name="ticket_id", kind="id", role="ignore", why="each value occurs once: says nothing about others"),
        Column(name="team", kind="category", role="target", why="named as target", distinct=12),
    )
    classes = {
        label: {
            "precision": a_score(0.8 + 0.01 * place, half=0.08, n=11 + place),
            "recall": a_score(0.93 - 0.02 * place, half=0.09, n=11 + place),
            "f1": a_score(0.86 - 0.005 * place, half=0.07, n=11 + place),
        }
        for place, label in enumerate(TEAMS)
    }
    mistakes = tuple(
        Mistake(
            row=17 * k + 3,
            truth=TEAMS[k],
            predicted=TEAMS[k + 1],
            confidence=0.97 - 0.06 * k,
            cells={"message": "My parcel was due on Tuesday, the tracking page shows nothing since then" * (1 + k % 2),
                   "channel": "email", "amount": f"{19.9 * k:.2f}"},
        )
        for k in range(8)
    )  # fmt: skip
    return ReportData(
        run="tickets-3f9a1c",
        plan_yaml="data:\n  train: tickets.csv\n  target: team\nobjective:\n  metric: f1_macro\nseed: 0\n",
        table=Table(
            rows=924,
            columns=columns,
            fingerprint="ab" * 32,
            target="team",
            task="multiclass",
            task_why="the target has 12 distinct values, none of them ordered",
            files=("tickets.csv",),
        ),
        split=Split(
            train=tuple(range(646)),
            validation=tuple(range(646, 785)),
            test=tuple(range(785, 924)),
            how="stratified",
            proof={
                "clusters": 903,
                "largest_cluster": 3,
                "straddling_clusters": 0,
                "class_shares": {"train": {"legal": 0.034, "sales": 0.09}, "test": {"legal": 0.031, "sales": 0.102}},
                "method": "connected components of near-duplicates",
                "near_duplicate_threshold": 0.8,
            },
        ),
        findings=(
            Finding(kind="rare_class", severity="info", evidence="legal has 31 rows, the median class 76."),
            Finding(
                kind="leakage_target",
                severity="error",
                evidence="agent predicts team on its own with macro F1 0.98.",
                columns=("agent",),
                remedy="Set knowledge.never_use: [agent].",
            ),
            Finding(
                kind="near_duplicates",
                severity="warning",
                evidence="18 pairs of messages differ in a few characters.",
                columns=("message",),
                rows=tuple(range(3, 39)),
                rows_total=36,
                remedy="Kept on one side of the split.",
            ),
        ),
        remedies=(
            RemedyTrial(
                remedy="drop_columns",
                rule="always",
                metric="f1_macro",
                effect=Score(value=-0.0631, low=-0.0702, high=-0.056, n=20),
                p_value=1.0,
                kept=True,
                why="a column that gives the answer away falsifies the score that would judge it",
                order=1,
            ),
            RemedyTrial(
                remedy="drop_suspects",
                rule="gain",
                metric="f1_macro",
                effect=Score(value=0.0012, low=-0.004, high=0.0064, n=20),
                p_value=0.31,
                kept=False,
                why="no gain was shown",
            ),
        ),
        trained=TrainedModel(
            method="lora",
            kept="fine-tuned",
            why="Its macro F1 on validation is 0.041 above the probe's.",
            metric="f1_macro",
            candidates={"probe": 0.8173, "fine-tuned": 0.8584},
            history=tuple(
                Epoch(epoch=k, train_loss=t, validation_loss=v, metric=m, seconds=14.2 * k)
                for k, (t, v, m) in enumerate(
                    [
                        (1.02, 0.81, 0.8173),
                        (0.74, 0.70, 0.831),
                        (0.51, 0.66, 0.842),
                        (0.38, 0.61, 0.8584),
                        (0.22, 0.67, 0.851),
                    ]
                )
            ),
            best_epoch=3,
            parameters=22_713_216,
            trainable=1_183_500,
            precision="float32",
            digest="cd" * 32,
        ),
        evaluation=Evaluation(
            metric="f1_macro",
            metrics={
                "validation": {"f1_macro": a_score(0.8584, half=0.05), "accuracy": a_score(0.871, half=0.051)},
                "test": {
                    "f1_macro": a_score(0.8466, half=0.055),
                    "accuracy": a_score(0.8561, half=0.0571),
                    "log_loss": Score(value=0.534, low=0.41, high=0.66, n=139),
                },
            },
            baselines={
                "majority": {"f1_macro": a_score(0.021, half=0.004)},
                "tfidf": {"f1_macro": a_score(0.781, half=0.06)},
                "boosting": {"f1_macro": a_score(0.66, half=0.07)},
                "probe": {"f1_macro": a_score(0.806, half=0.06)},
            },
            comparisons=(
                a_comparison("majority", 0.8256, half=0.05),
                a_comparison("tfidf", 0.0656, half=0.05),
                a_comparison("boosting", 0.1866, half=0.06),
                a_comparison("probe", 0.0406, half=0.031),
            ),
            verdict=Verdict(
                objective="not shown",
                text="Not shown: f1_macro is 0.85 (0.79–0.90, n 139), and at least 0.8 was asked. Better than tfidf.",
            ),
            per_class=classes,
            looks=1,
        ),
        analysis=Analysis(labels=TEAMS, matrix=matrix, mistakes=mistakes),
        versions={"tunewright": "0.1.0", "torch": "2.13.0", "transformers": "5.23.0", "python": "3.12.4"},
        digests={"data": "ab" * 32, "plan": "ef" * 32, "weights": "cd" * 32},
        seconds={"read": 0.03, "split": 0.4, "encode": 8.2, "probe": 1.1, "train": 57.4, "evaluate": 2.2, "total": 72},
        notes=(
            "model.max_length is 64: it holds 99.6 % of the messages whole.",
            "objective.metric is macro F1, because the largest class has 4 times the rows of the smallest.",
        ),
        examples=True,
    )


def regression() -> ReportData:
    dice = random.Random(1)
    points = []
    for _ in range(1500):
        true = dice.gauss(3, 0.6)
        points.append((true, 3 + 0.75 * (true - 3) + dice.gauss(0, 0.28)))
    start = multiclass()
    trained = replace(start.trained, metric="r2", kept="probe", why="Fine-tuning did not beat it on validation.")
    trained = replace(trained, candidates={"probe": 0.742, "fine-tuned": 0.738})
    comparisons = tuple(
        replace(c, metric="r2") for c in (a_comparison("majority", 0.74), a_comparison("tfidf", -0.032),
                                          a_comparison("probe", 0.0))
    )  # fmt: skip
    scores = {"r2": Score(value=0.7431, low=0.7192, high=0.7655, n=1500)}
    mistakes = (Mistake(row=5, truth="4.91", predicted="3.02", confidence=None, cells={"message": "Fantastic!"}),)
    return replace(
        start,
        run="emobank-77aa01",
        table=replace(start.table, task="regression", target="valence", task_why="the target is a number."),
        findings=(),
        trained=trained,
        evaluation=Evaluation(
            metric="r2",
            metrics={
                "validation": scores,
                "test": scores | {"mean_absolute_error": Score(value=0.2251, low=0.2161, high=0.2341, n=1500)},
            },
            baselines={
                "majority": {"r2": Score(value=-0.001, low=-0.004, high=0.0, n=1500)},
                "tfidf": {"r2": Score(value=0.775, low=0.752, high=0.796, n=1500)},
                "probe": scores,
            },
            comparisons=comparisons,
            verdict=Verdict(objective="none", text="No objective was set."),
            looks=2,
        ),
        analysis=Analysis(points=tuple(points), mistakes=mistakes),
        notes=(),
    )


def multilabel() -> ReportData:
    start = multiclass()
    per_class = {f"emotion {k}": {"f1": a_score(0.4 + 0.015 * k, half=0.05, n=30 + 9 * k)} for k in range(28)}
    return replace(
        start,
        run="goemotions-12de44",
        table=replace(start.table, task="multilabel", task_why="the target holds several labels per row."),
        trained=replace(start.trained, kept="probe", history=start.trained.history[:1], best_epoch=0),
        evaluation=replace(start.evaluation, per_class=per_class),
        analysis=Analysis(),
        examples=False,
    )


def many_classes() -> ReportData:
    start = multiclass()
    labels = tuple(f"intent {k:03d} with a name that is long" for k in range(150))
    matrix = a_matrix(150, per_class=24)
    per_class = {
        label: {"recall": a_score(0.9, n=sum(row)), "f1": a_score(0.88, n=sum(row))}
        for label, row in zip(labels, matrix)
    }
    return replace(
        start,
        run="clinc150-0b1c2d",
        evaluation=replace(start.evaluation, per_class=per_class),
        analysis=Analysis(labels=labels, matrix=matrix),
    )


EXAMPLES = {f.__name__: f for f in (multiclass, regression, multilabel, many_classes)}


class Page(HTMLParser):
    """What a browser would make of the page: elements with attributes, texts, script contents."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "link", "img", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"{tag} closes nothing"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append((self.elements[-1][1], data))
        elif not self.open or self.open[-1] != "style":
            self.text += data

    @property
    def figures(self) -> dict[str, dict]:
        return {a["data-figure"]: json.loads(text) for a, text in self.scripts if "data-figure" in a}  # type: ignore[misc]


@pytest.fixture(scope="module", params=list(EXAMPLES))
def page(request: pytest.FixtureRequest) -> Page:
    return Page(render(EXAMPLES[request.param]()))


def test_a_page_is_fast_small_and_well_formed() -> None:
    data = many_classes()
    start = time.perf_counter()
    html = render(data)
    assert time.perf_counter() - start < 2
    assert len(html.encode()) < 8e6
    assert Page(html).open == []


def test_nothing_is_requested(page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form"}
        for name in ("src", "href", "srcset", "action", "data", "style"):
            assert not re.search(r"//|url\(|@import", attributes.get(name) or ""), (tag, attributes)
        assert not any(name.startswith("on") for name in attributes)
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy and policy.startswith("default-src 'none';") and "http" not in policy
    assert "unsafe-inline" not in policy.split("script-src")[1]


def test_sections_come_in_order_and_ids_are_unique(page: Page) -> None:
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    sections = [a["id"] for tag, a in page.elements if tag == "section"]
    assert sections == ["data", "findings", "trained", "metrics", "errors", "decisions", "plan", "versions"]
    targets = [a["href"] for tag, a in page.elements if tag == "a"]
    assert [f"#{name}" for name in sections] == targets


def test_every_chart_has_a_text_and_every_figure_an_element(page: Page) -> None:
    plots = {a["id"]: a for _, a in page.elements if a.get("class") == "plot"}
    assert set(plots) == set(page.figures)
    assert all(a["role"] == "img" and len(a["aria-label"] or "") > 40 for a in plots.values())


def test_figures_are_those_the_records_support() -> None:
    shown = {name: {k.removeprefix("figure-") for k in Page(render(f())).figures} for name, f in EXAMPLES.items()}
    assert shown == {
        "multiclass": {"loss", "metric", "baselines", "confusion"},
        "regression": {"loss", "metric", "baselines", "scatter"},
        "multilabel": {"baselines"},
        "many_classes": {"loss", "metric", "baselines", "confusion"},
    }


def test_learning_curves_hold_both_losses_and_the_best_epoch() -> None:
    loss = Page(render(multiclass())).figures["figure-loss"]
    assert [trace["name"] for trace in loss["data"]] == ["train", "validation"]
    assert loss["data"][1]["y"] == [0.81, 0.70, 0.66, 0.61, 0.67]
    assert loss["layout"]["shapes"][0]["x0"] == 3


def test_the_rungs_of_auto_are_told_with_gain_and_reason() -> None:
    data = multiclass()
    gain = Score(value=0.012, low=-0.004, high=0.028, n=130)
    rungs = (
        Rung(
            name="probe", metric=0.8173, gain=None, seconds=3.0, verdict="promoted", why="it is where training starts"
        ),
        Rung(name="layers:3", metric=0.8293, gain=gain, seconds=70.2, verdict="stopped", why="a gain is excluded"),
    )
    page = Page(render(replace(data, trained=replace(data.trained, rungs=rungs))))
    assert "layers:3" in page.text and "+1.2 points (−0.4 to +2.8)" in page.text and "stopped" in page.text
    assert "It is where training starts." in page.text and "1 min 10 s" in page.text
    assert "A gain is excluded." in page.text and "What was tried, one rung" in page.text
    assert "What was tried, one rung" not in Page(render(data)).text


def test_what_was_tried_is_told_with_its_effect():
    page = render(multiclass())
    for said in ("drop columns", "−6.3 points (−7.0 to −5.6)", "not kept", "+0.1 points (−0.4 to +0.6)"):
        assert said in page
    assert "What was tried" not in render(replace(multiclass(), remedies=()))


def hostile() -> ReportData:
    start = multiclass()
    score = {"f1_macro": a_score(0.5), HOSTILE: a_score(0.4)}
    return ReportData(
        run=HOSTILE,
        plan_yaml=HOSTILE,
        table=Table(
            rows=9, columns=(Column(name=HOSTILE, kind="text", role="feature", why=HOSTILE),), fingerprint=HOSTILE,
            target=HOSTILE, task="multiclass", task_why=HOSTILE, pair=(HOSTILE, HOSTILE), files=(HOSTILE,),
        ),
        split=Split(train=(0,), validation=(1,), test=(2,), how=HOSTILE, proof={HOSTILE: [HOSTILE]}),
        findings=(Finding(kind=HOSTILE, severity="error", evidence=HOSTILE, columns=(HOSTILE,), remedy=HOSTILE,
                          file=HOSTILE),),
        remedies=(replace(start.remedies[0], remedy=HOSTILE, why=HOSTILE),),
        trained=replace(start.trained, method=HOSTILE, why=HOSTILE, metric=HOSTILE, candidates={HOSTILE: 0.5},
                        rungs=(Rung(name=HOSTILE, metric=0.5, gain=None, seconds=1.0, verdict="kept", why=HOSTILE),),
                        precision=HOSTILE),
        evaluation=Evaluation(
            metric="f1_macro",
            metrics={"test": score, "validation": score},
            baselines={HOSTILE: score},
            comparisons=(replace(a_comparison(HOSTILE, 0.1), a=HOSTILE),),
            verdict=Verdict(objective="met", text=HOSTILE),
            per_class={HOSTILE: score},
        ),
        analysis=Analysis(
            labels=(HOSTILE, "b"), matrix=((1, 1), (1, 1)),
            mistakes=(Mistake(row=1, truth=HOSTILE, predicted=HOSTILE, confidence=0.5, cells={HOSTILE: HOSTILE}),),
        ),
        versions={HOSTILE: HOSTILE}, digests={HOSTILE: HOSTILE}, seconds={HOSTILE: 1.0}, notes=(HOSTILE,),
        examples=True,
    )  # fmt: skip


def test_hostile_text_stays_text_wherever_it_stands() -> None:
    """FAULTS 29: as many scripts and links as with tame data, no control character, and the text readable."""
    html = render(hostile())
    page, tame = Page(html), Page(render(multiclass()))
    assert page.open == []
    assert [a for _, a in page.elements if "data-figure" in a or "href" in a] == [
        a for _, a in tame.elements if "data-figure" in a or "href" in a
    ]
    assert len(page.scripts) == len(tame.scripts)
    ours = "".join(text for text in html.split("<script>") if "plotly.js" not in text[:20])
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", ours)
    assert page.text.count("<script>alert(1)</script>") > 30
    assert "49" not in page.text.split("<a href='https://evil.example'>x</a> ")[1][:20]
    assert "␛[31mred␀" in page.text


def test_hostile_labels_are_no_markup_in_charts_either() -> None:
    """Plotly reads a small HTML in its texts; a label must reach it escaped."""
    texts = json.dumps(Page(render(hostile())).figures)
    markup = {m.lower() for m in re.findall(r"<[^>]*>", texts)}
    assert markup <= {"<br>", "<extra>", "</extra>"}
    assert "&lt;script&gt;" in texts


def test_figure_json_cannot_end_its_script() -> None:
    blocks = re.findall(r'data-figure="[^"]*">(.*?)</script>', render(hostile()), flags=re.DOTALL)
    assert len(blocks) == 4
    assert not any(set("<>&") & set(block) for block in blocks)


def test_the_policy_names_exactly_the_two_scripts_that_run() -> None:
    import base64
    import hashlib

    page = Page(render(multiclass()))
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy") or ""
    live = [text for attributes, text in page.scripts if "type" not in attributes]
    assert len(live) == 2
    expected = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in live}
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == expected


def test_examples_appear_only_where_the_plan_says_so() -> None:
    secret = "My parcel was due on Tuesday"
    shown, hidden = render(multiclass()), render(replace(multiclass(), examples=False))
    assert secret in shown and "shows raw text" in shown
    assert secret not in hidden and "switched off" in hidden


def test_long_tables_are_folded_and_large_matrices_reduced() -> None:
    few, many = Page(render(multiclass())), Page(render(many_classes()))
    assert "Show all 150 classes" in many.text and "Show all" not in few.text
    assert len(many.figures["figure-confusion"]["data"][0]["z"]) == 25
    assert len(few.figures["figure-confusion"]["data"][0]["z"]) == 12


def test_headline_says_the_number_its_interval_and_the_rival() -> None:
    data = multiclass()
    said = headline(data.evaluation, task="multiclass")
    assert said == (
        "Macro F1 is 0.85 on 139 test rows (95 % interval 0.79 to 0.90), "
        "better than the best baseline, frozen probe, by 0.041 (difference 0.010 to 0.072)."
    )
    assert said in Page(render(data)).text


def test_headline_says_plainly_when_a_baseline_wins() -> None:
    data = regression()
    page = Page(render(data))
    assert "a baseline wins: TF-IDF + linear model is better by 0.032" in page.text
    assert ("h1", {"class": "flag"}) in page.elements
    assert "The kept model is this probe." in page.text


@pytest.mark.parametrize(
    ("gap", "words"), [(0.011, "ahead of the best"), (-0.011, "behind the best"), (0.0, "no evidence that either")]
)
def test_headline_claims_nothing_without_evidence(gap: float, words: str) -> None:
    evaluation = replace(multiclass().evaluation, comparisons=(a_comparison("tfidf", gap),))
    said = headline(evaluation, task="multiclass")
    assert words in said and "no evidence" in said and "wins" not in said


def test_headline_without_a_test_score_is_the_verdict() -> None:
    evaluation = replace(multiclass().evaluation, metrics={})
    assert headline(evaluation, task="multiclass") == evaluation.verdict.text


def test_best_baseline_is_never_the_kept_model_itself() -> None:
    evaluation = regression().evaluation
    kept = best_baseline(evaluation, same="probe")
    assert kept is not None and kept.b == "tfidf"
    only = replace(evaluation, comparisons=(replace(a_comparison("probe", 0.0), metric="r2"),))
    assert best_baseline(only, same="probe") is None


def test_a_run_with_nothing_to_show_renders() -> None:
    data = multiclass()
    empty = replace(
        data,
        findings=(),
        trained=replace(data.trained, history=(), candidates={}),
        evaluation=replace(data.evaluation, metrics={}, baselines={}, comparisons=(), per_class={}),
        analysis=Analysis(),
        versions={}, digests={}, seconds={}, notes=(),
    )  # fmt: skip
    page = Page(render(empty))
    assert page.figures == {}
    assert "No baseline was measured." in page.text and "No finding about the data." in page.text


def test_the_mean_of_the_weights_stands_beside_the_epochs() -> None:
    data = multiclass()
    means = [None, None, 0.8479, None, 0.8731]
    history = tuple(
        replace(epoch, average_metric=mean) for epoch, mean in zip(data.trained.history, means, strict=True)
    )
    kept = replace(data, trained=replace(data.trained, history=history, best_epoch=4, averaged=2))
    page, before = Page(render(kept)), Page(render(data))
    assert "of the averaged weights" in page.text and "0.850.8757 s" in page.text
    assert "epoch 4, the mean of the weights up to its end." in page.text
    assert "averaged" not in before.text and "the mean of the weights" not in before.text


def test_undefined_numbers_are_shown_as_such() -> None:
    data = multiclass()
    nan = Score(value=float("nan"), low=float("nan"), high=float("nan"), n=0)
    history = (replace(data.trained.history[1], train_loss=float("nan")),)
    broken = replace(
        data,
        trained=replace(data.trained, history=history, best_epoch=1),
        evaluation=replace(
            data.evaluation, metrics={"test": {"f1_macro": nan}}, baselines={"majority": {"f1_macro": nan}}
        ),
        analysis=Analysis(points=((float("nan"), 1.0), (1.0, float("inf")), (1.0, 2.0))),
    )
    page = Page(render(broken))
    assert "not defined" in page.text and "nan" not in page.text.lower().split()
    assert page.figures["figure-loss"]["data"][0]["y"] == [None]
    assert page.figures["figure-scatter"]["data"][1]["x"] == [1.0]


@given(st.text())
def test_visible_text_has_no_acting_character_and_is_encodable(text: str) -> None:
    shown = visible(text)
    assert not any((ord(c) < 32 and c not in "\t\n") or 0x7F <= ord(c) < 0xA0 for c in shown)
    shown.encode()
    assert visible(shown) == shown


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e3), st.integers(1, 10**6))
def test_numbers_in_parts_are_those_of_the_whole(middle: float, half: float, n: int) -> None:
    score = Score(value=middle, low=middle - half, high=middle + half, n=n)
    whole = rounded(score).replace("-", "−").replace("–", " to ")
    assert whole == f"{value(score)} ({interval(score)}, n {n:,})"


@given(st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), min_size=4, max_size=4), st.integers(1, 4))
def test_confusions_against_a_plain_count(matrix: list[list[int]], most: int) -> None:
    wrong = [0] * 4
    for i in range(4):
        for j in range(4):
            if i != j:
                wrong[i] += matrix[i][j]
                wrong[j] += matrix[i][j]
    kept = most_confused(matrix, most=most)
    assert kept == sorted(kept) and len(kept) == most
    assert sorted((wrong[i] for i in kept), reverse=True) == sorted(wrong, reverse=True)[:most]
    pairs = confused_pairs("abcd", matrix, most=99)
    assert sum(n for *_, n, _ in pairs) == sum(map(sum, matrix)) - sum(matrix[i][i] for i in range(4))
    assert [n for *_, n, _ in pairs] == sorted((n for *_, n, _ in pairs), reverse=True)


def test_labels_that_are_cut_alike_keep_their_own_row() -> None:
    labels = ["the same long beginning of a label " + end for end in "ab"]
    figure = confusion(labels, [[3, 1], [0, 4]], totals=[4, 4])
    assert figure["layout"]["yaxis"]["tickvals"] == [0, 1]
    assert figure["data"][0]["z"] == [[0.75, 0.25], [0.0, 1.0]]


@pytest.mark.parametrize("rows", [0, 1, POINTS, POINTS + 1, 10 * POINTS])
def test_scatter_is_thinned_but_never_over_its_bound(rows: int) -> None:
    shown = len(scatter([(float(k), 0.0) for k in range(rows)], target="y")["data"][1]["x"])
    assert min(rows, POINTS // 2) <= shown <= POINTS


def test_a_median_is_called_so_in_regression() -> None:
    assert (baseline("majority", "regression"), baseline("majority")) == ("median", "majority class")


def test_the_split_is_explained_in_words() -> None:
    text = Page(render(multiclass())).text
    assert "Stratified: every part holds each class in its share" in text
    assert "none in more than one part" in text
    assert "differ by at most 1.2 points between parts (sales)" in text
    crossing = replace(multiclass().split, how="given", proof={"straddling_clusters": 4})
    text = Page(render(replace(multiclass(), split=crossing))).text
    assert "As given" in text and "4 groups in more than one part" in text


def test_a_probe_alone_has_no_learning_curve() -> None:
    assert "No epoch was trained" in Page(render(multilabel())).text
    assert "epoch 3." in Page(render(multiclass())).text


def diagnosed() -> ReportData:
    start = multiclass()
    trained = replace(
        start.trained,
        diagnosis=Diagnosis(
            verdict="overfit",
            epoch=4,
            text="Overfit from epoch 4: train rows gain, validation rows lose.",
            evidence=("Epoch 3: f1_macro 0.981 on train rows, 0.858 on validation rows",),
            action="Training stopped early, after epoch 4 of 8; epoch 3 was kept.",
            advice=("fewer_trainable_layers", "a key of a newer release"),
        ),
        learning_curve=LearningCurve(
            metric="f1_macro",
            rows=(160, 320, 480, 640),
            scores=tuple(a_score(value, half=0.03) for value in (0.7, 0.76, 0.79, 0.806)),
            extra=600,
            gain=a_score(0.02, half=0.01),
            text="600 more labelled rows would add about 2.0 points of f1 macro (1.0 to 3.0).",
        ),
    )
    return replace(start, trained=trained)


def test_what_training_did_is_said_with_its_evidence():
    page = render(diagnosed())
    for text in (
        "Overfit from epoch 4",
        "0.981 on train rows",
        "epoch 3 was kept",
        "let fewer layers train",
        "600 more labelled rows would add about 2.0 points",
        'id="figure-rows"',
    ):
        assert text in page
    assert "newer release" not in page


def test_a_run_of_an_older_release_has_neither():
    page = render(multiclass())
    assert "Did it overfit?" not in page and "Would more rows help?" not in page


def sliced(description: str = "words in 'message' above 12") -> ReportData:
    start = multiclass()
    one = Slice(
        description=description, rows=40, error=a_score(0.45), rest=0.14, difference=a_score(0.31), p_value=0.01,
        excess=12.4, examples=(7, 11), train_rows=212, action="reweight", why=f"212 train rows. {description}",
        test=a_score(0.41), test_rest=0.16,
    )  # fmt: skip
    slices = Slices(
        part="validation", measure="error rate", rows=139, conditions=2345, level=0.05, text="2,345 groups.",
        found=(one, replace(one, test=None, test_rest=None)),
    )  # fmt: skip
    group = MistakeGroup(truth=description, predicted="billing", rows=9, suspects=2, examples=(3, 4))
    ceiling = Ceiling(value=a_score(0.97), text="About 3.0 % of the labels are likely wrong.")
    mistakes = tuple(replace(one, suspect=True, instead=description) for one in start.analysis.mistakes)
    analysis = replace(start.analysis, slices=slices, groups=(group,), ceiling=ceiling, mistakes=mistakes)
    return replace(start, analysis=analysis)


def test_slices_are_shown_with_their_evidence_and_what_to_do() -> None:
    text = Page(render(sliced())).text
    for said in ("words in 'message' above 12", "2,345 groups.", "Reweight", "≤ 0.01", "7, 11", "no such row"):
        assert said in text
    assert "About 3.0 % of the labels" in text and "others say words in" in text
    assert "Where the model errs more" not in Page(render(multiclass())).text


def test_without_examples_the_page_says_what_it_leaves_out() -> None:
    assert "Words and values of the data are left out" in render(replace(sliced(), examples=False))
    assert "Words and values of the data are left out" not in render(sliced())


def test_a_hostile_slice_stays_text() -> None:
    html = render(sliced(HOSTILE))
    page = Page(html)
    assert page.open == [] and len(page.scripts) == len(Page(render(multiclass())).scripts)
    assert page.text.count("<script>alert(1)</script>") >= 5


def test_a_part_without_slices_says_so() -> None:
    data = sliced()
    assert data.analysis.slices is not None
    none = replace(data, analysis=replace(data.analysis, slices=replace(data.analysis.slices, found=(), text="None.")))
    page = Page(render(none))
    assert "None." in page.text and "What to do" not in page.text
