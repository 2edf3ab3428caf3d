"""Which path answers what: one table for what is shown, one for what is done."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final
from urllib.parse import unquote

from tunewright.records import to_json
from tunewright.runfolder import RunFolder
from tunewright.studio.desk import Desk, UnknownRun
from tunewright.studio.following import Following
from tunewright.studio.guard import POLICY, REPORT_POLICY

HTML: Final = "text/html; charset=utf-8"
SCRIPT: Final = "text/javascript; charset=utf-8"
FILES: Final = {"studio.css": "text/css; charset=utf-8"} | dict.fromkeys(
    ("common.js", "list.js", "run.js", "review.js"), SCRIPT
)
LONGEST: Final = 64_000_000  # bytes of a report that is shown
ACTIVE: Final = 0.4  # seconds between two looks at a run that works
IDLE: Final = 2.0  # and at one that does not


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back: status, media type, bytes, content security policy."""

    body: bytes
    kind: str
    status: int = HTTPStatus.OK
    policy: str = POLICY

    @classmethod
    def json(cls, value: Any, *, status: int = HTTPStatus.OK) -> Answer:
        """A JSON object."""
        return cls(body=json.dumps(value, allow_nan=False).encode(), kind="application/json", status=status)


class Stream:
    """What is new of a run, again and again, for one page."""

    def __init__(self, following: Following) -> None:
        self.pause = ACTIVE
        self._following = following
        self._at = (-1, 0)
        self._now: Any = None

    def new(self) -> dict[str, Any] | None:
        """The news, or None where there are none."""
        news = self._following.news(*self._at)
        now = news["now"]
        self.pause = ACTIVE if now["state"] == "running" else IDLE
        if not news["anew"] and not news["things"] and now == self._now:
            return None
        self._at, self._now = (news["beginning"], news["known"]), now
        return news


def get(desk: Desk, parts: Sequence[str]) -> Answer | Stream:
    """What a path shows.

    Args:
        desk: answers.
        parts: of the path behind the token, percent-encoded.

    Raises:
        UnknownRun, TunewrightError: there is no such thing.
    """
    match list(parts):
        case [""]:
            return _page("list.html")
        case ["runs"]:
            return Answer.json(desk.runs())
        case ["static", "plotly.js"]:
            return Answer(body=_plotly(), kind=SCRIPT)
        case ["static", name] if name in FILES:
            return Answer(body=_file(name), kind=FILES[name])
        case ["run", name, *rest]:
            return _of_run(desk, unquote(name), rest)
    raise UnknownRun


def _of_run(desk: Desk, name: str, rest: Sequence[str]) -> Answer | Stream:
    folder = desk.folder(name)
    match list(rest):
        case [""]:
            return _page("run.html")
        case ["events"]:
            return Stream(desk.follow(name))
        case ["report.html"]:
            return _report(RunFolder(folder))
        case ["review", ""]:
            return _page("review.html")
        case ["review", "queue"]:
            return Answer.json(desk.queue(name))
    raise UnknownRun


def post(desk: Desk, parts: Sequence[str], asked: Mapping[str, Any]) -> Answer:
    """Do what a path asks for.

    Args:
        desk: does it.
        parts: of the path behind the token, percent-encoded.
        asked: the request's JSON object.

    Raises:
        UnknownRun, TunewrightError: there is no such thing, or it cannot be done.
    """
    match list(parts):
        case ["compare"]:
            return Answer.json(desk.compare(_text(asked, "a"), _text(asked, "b")))
        case ["run", name, "stop"]:
            return Answer.json(desk.stop(unquote(name)))
        case ["run", name, "review", what] if what in _REVIEW:
            return Answer.json(_REVIEW[what](desk, unquote(name), asked))
    raise UnknownRun


def _decide(desk: Desk, name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    review = desk.review(name)
    texts = {key: _text(asked, key) for key in ("decision", "label", "who", "comment")}
    correction = review.decide(_row(asked), texts.pop("decision"), **texts)
    return {"row": correction.row, "decided": to_json(correction), "steps": review.steps}


def _clear(desk: Desk, name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    review, row = desk.review(name), _row(asked)
    review.clear(row)
    return {"row": row, "decided": None, "steps": review.steps}


def _undo(desk: Desk, name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    review = desk.review(name)
    row = review.undo()
    decided = None if row is None else review.decided.get(row)
    return {"row": row, "decided": None if decided is None else to_json(decided), "steps": review.steps}


_REVIEW: Final[Mapping[str, Callable[[Desk, str, Mapping[str, Any]], dict[str, Any]]]] = {
    "decide": _decide,
    "clear": _clear,
    "undo": _undo,
}


def _text(asked: Mapping[str, Any], name: str) -> str:
    value = asked.get(name, "")
    return value if isinstance(value, str) else ""


def _row(asked: Mapping[str, Any]) -> int:
    row = asked.get("row")
    return row if isinstance(row, int) and not isinstance(row, bool) else -1


def _page(name: str) -> Answer:
    return Answer(body=_file(name), kind=HTML)


@cache
def _file(name: str) -> bytes:
    return files("tunewright.studio").joinpath("pages", name).read_bytes()


@cache
def _plotly() -> bytes:
    return files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()


def _report(folder: RunFolder) -> Answer:
    try:
        with folder.report_html.open("rb") as file:
            body = file.read(LONGEST + 1)
    except OSError as error:
        raise UnknownRun from error
    if len(body) > LONGEST:
        raise UnknownRun
    return Answer(body=body, kind=HTML, policy=REPORT_POLICY)
