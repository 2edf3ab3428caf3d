"""The page of a search: complete, safe with any name and value, charts that plotly can draw, true sentences."""

import json
import math
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.records import Best, Impact, Study, Trial
from tunewright.report.study import best_trials, figures, impact_sentences, render_study, told, winner
from tunewright.report.study_charts import parallel, slice_of

HOSTILE = (
    "<script>alert(1)</script>\"'</SCRIPT><!-- \x1b[31mred\x00 <a href='https://evil.example'>x</a> {{ 7*7 }} \u202e"
)
STATES = ("complete", "complete", "pruned", "failed", "stopped")


def a_study(
    *, metric="accuracy", better=True, trials=14, names=("training.learning_rate", "model.name"), said="minilm"
):
    rate, model = names
    made = []

    def turned(value):
        """Losses are what is missing to 2."""
        return value if better else 2 - value

    for number in range(trials):
        state = STATES[number % len(STATES)]
        score = turned(0.5 + 0.02 * number) if state == "complete" else None
        params = {rate: 10.0 ** (-5 + number / 5), model: said if number % 2 else "other"}
        if number % 3 == 0:
            params["training.epochs"] = float(number % 4 + 1)
        steps = ((0, turned(0.4)), (1, turned(0.5 + 0.01 * number))) if number % 4 else ()
        why = f"It broke: {said}" if state == "failed" else ""
        made.append(
            Trial(number=number, params=params, score=score, seconds=1.5, state=state, steps=steps, why=why)
        )  # fmt: skip
    pick = max if better else min
    best = pick((one for one in made if one.score is not None), key=lambda one: one.score)
    effects = (
        Impact(name=rate, effect=0.04, low=0.02, high=0.06, noise_floor=0.01, matters=True),
        Impact(name=model, effect=0.004, low=0.0, high=0.02, noise_floor=0.012, matters=False),
    )
    return Study(
        strategy="bayesian",
        metric=metric,
        greater_is_better=better,
        trials=tuple(made),
        best=Best(params=best.params, score=best.score, seeds=(best.score, best.score - 0.01, best.score + 0.01)),
        impact=effects,
        seed_spread=0.01,
        seconds=21.0,
        why_ended="the 14 trials of the plan",
    )


class Page(HTMLParser):
    """Which elements there are, what they link to, the text between them, and the figures."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.text, self.figures, self._json, self._silent = [], [], [], {}, None, False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.links += [given[name] for name in ("href", "src", "action") if given.get(name)]
        self._json = given.get("data-figure")
        self._silent = tag in ("script", "style")

    def handle_endtag(self, tag):
        self._json, self._silent = None, False

    def handle_data(self, data):
        if self._json:
            self.figures[self._json] = json.loads(data, parse_constant=_refuse)
        elif not self._silent:
            self.text.append(data)

    @property
    def words(self):
        return " ".join("".join(self.text).split())


def _refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for one in value for number in numbers(one)]
    return [value] if isinstance(value, float | int) and not isinstance(value, bool) else []


def test_the_page_says_who_won_what_matters_and_every_trial():
    page = Page(render_study("tickets-3f9a1c", a_study()))
    said = page.words
    assert "Tunewright search · tickets-3f9a1c" in said
    assert "Best on validation: accuracy 0.7200, the mean of 3 seeds with learning_rate" in said
    assert "learning_rate matters: ±4.0 points (2.0 to 6.0; chance alone looks like 1.0)." in said
    assert "name does not show here: ±0.4 points" in said
    assert "14 trials in 21 s: 6 ran to the end, 3 were given up early, 3 failed, 2 ran out of time." in said
    assert "It ended with the 14 trials of the plan." in said and "Another seed moves a score by 1 points." in said
    assert "It broke: minilm" in said
    assert page.tags.count("tr") == 15
    assert set(page.figures) == {
        "figure-progress",
        "figure-impact",
        "figure-parallel",
        "figure-slice-training.learning_rate",
        "figure-slice-model.name",
    }


def test_hostile_names_and_values_stay_text():
    study = a_study(names=(f"training.{HOSTILE}", "model.name"), said=HOSTILE)
    text = render_study(HOSTILE, study)
    page, plain = Page(text), Page(render_study("tickets", a_study()))
    assert page.tags == plain.tags and page.links == plain.links
    assert "\x1b" not in text and "\x00" not in text and "\u202e" not in text and "{{" in page.words
    assert "<script>alert(1)</script>" in page.words  # there to be read
    assert not re.search(r"<script>alert", text, re.IGNORECASE)
    for figure in page.figures.values():
        assert "<" not in json.dumps([figure["layout"], [one.get("name") for one in figure["data"]]])


def test_the_page_makes_no_request():
    page = Page(render_study("tickets", a_study()))
    assert not [link for link in page.links if not link.startswith(("#", "data:"))]


STUDIES = {
    "usual": a_study(),
    "losses": a_study(metric="log_loss", better=False),
    "squares": a_study(metric="root_mean_squared_error", better=False),
    "one trial": a_study(trials=1),
    "no impact": Study(
        strategy="grid",
        metric="accuracy",
        greater_is_better=True,
        trials=a_study().trials[:2],
        best=a_study().best,
    ),
    "hostile": a_study(names=(HOSTILE, HOSTILE[:3]), said=HOSTILE),
}


@pytest.mark.parametrize("which", STUDIES)
def test_figures_are_plotly_figures_with_finite_numbers(which):
    import plotly.graph_objects as go

    study = STUDIES[which]
    for name, figure in figures(study).items():
        assert json.loads(json.dumps(figure, allow_nan=False)) == figure, name
        assert all(math.isfinite(number) for number in numbers(figure))
        go.Figure(_painted(figure))  # refuses what plotly does not know
        for trace in figure["data"]:
            assert len(trace["x"]) == len(trace["y"])
    Page(render_study(which, study))


def _painted(value, key=""):
    """Colours are CSS variables, which the page's script replaces."""
    if isinstance(value, dict):
        return {name: _painted(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_painted(one, key) for one in value]
    return "#123456" if isinstance(value, str) and value.startswith("--") else value


def test_the_best_so_far_never_gets_worse():
    for study, fair in ((STUDIES["usual"], lambda a, b: b >= a), (STUDIES["losses"], lambda a, b: b <= a)):
        steps, dots = figures(study)["progress"]["data"]
        assert all(fair(a, b) for a, b in zip(steps["y"], steps["y"][1:], strict=False))
        assert steps["y"][-1] == study.best.score
        stood = [one for one in study.trials if one.score is not None or (one.steps and one.state != "failed")]
        assert len(dots["x"]) == len(stood)
        assert dots["marker"]["symbol"].count("circle") == sum(one.score is not None for one in stood)


def test_every_trial_that_stands_somewhere_is_a_line_with_all_hyperparameters():
    study = a_study()
    figure = parallel(study, ["training.learning_rate", "model.name", "training.epochs"])
    for trace in figure["data"]:
        assert len(trace["y"]) == 4 and all(value is None or 0 <= value <= 1 for value in trace["y"])
    assert figure["layout"]["xaxis"]["ticktext"] == ["learning_rate", "name", "epochs", "accuracy"]
    strongest = max(figure["data"], key=lambda trace: trace["opacity"])
    top = max((one for one in study.trials if one.score is not None), key=lambda one: one.score)
    assert strongest["name"] == str(top.number)


def test_wide_ranges_are_drawn_on_a_log_scale_and_choices_by_name():
    study = a_study()
    assert slice_of(study, "training.learning_rate")["layout"]["xaxis"]["type"] == "log"
    assert slice_of(study, "model.name")["layout"]["xaxis"]["ticktext"] == ["minilm", "other"]
    assert slice_of(study, "training.epochs")["layout"]["xaxis"]["title"]["text"] == "training.epochs"
    assert slice_of(study, "never.seen")["data"][0]["x"] == []


def test_units_are_the_metrics_own():
    squares = STUDIES["squares"]
    assert impact_sentences(squares)[0] == "learning_rate matters: ±0.04 (0.02 to 0.06; chance alone looks like 0.01)."
    assert winner(squares).startswith("Best on validation: root mean squared error 1.2800")
    assert figures(squares)["impact"]["data"][0]["x"] == [0.04, 0.004]
    assert figures(STUDIES["usual"])["impact"]["data"][0]["x"] == pytest.approx([4.0, 0.4])


def test_too_few_trials_say_so():
    assert "eight are needed" in impact_sentences(STUDIES["no impact"])[0]
    assert set(figures(STUDIES["no impact"])) == {"progress"}


def test_the_best_trials_come_first_in_the_metrics_own_direction():
    for study, sign in ((STUDIES["usual"], 1), (STUDIES["losses"], -1)):
        scores = [float(said) for _, said, _ in best_trials(study, 4)]
        assert len(scores) == 4 and sorted(scores, key=lambda score: -sign * score) == scores
        assert scores[0] == pytest.approx(study.best.score)


@given(st.lists(st.text(max_size=8) | st.floats(-1e9, 1e9), max_size=12))
def test_any_values_are_drawn(values):
    trials = tuple(
        Trial(number=n, params={"a.b": value}, score=0.1 * n, seconds=0.0, state="complete")
        for n, value in enumerate(values)
    )
    best = Best(params={}, score=1.0, seeds=(1.0,))
    study = Study(strategy="random", metric="accuracy", greater_is_better=True, trials=trials, best=best)
    for figure in (slice_of(study, "a.b"), parallel(study, ["a.b"])):
        json.dumps(figure, allow_nan=False)
    assert told(study)["names"] == (["a.b"] if values else [])


def test_many_trials_are_folded():
    assert "Show all 60 trials" in Page(render_study("long", a_study(trials=60))).words
    assert "Show all" not in Page(render_study("short", a_study())).words
