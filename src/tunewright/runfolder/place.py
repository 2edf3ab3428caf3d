"""Where a run works: a folder of this machine, or one at a URL by way of its copy here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.errors import RunError
from tunewright.events import Event, Observer, silent
from tunewright.remote import is_url
from tunewright.runfolder.lock import RunLock
from tunewright.runfolder.mirror import Mirror


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A run folder that is held.

    Args:
        path: where its files are written.
        name: where people find it: the path, or the URL.
        keep_up: hears events, and sends what is new to the URL.
        settle: sends the rest.
    """

    path: Path
    name: str
    keep_up: Observer = silent
    settle: Callable[[], None] = lambda: None

    def as_found(self, summary: Mapping[str, Any]) -> dict[str, Any]:
        """A summary whose paths lead to where people find the folder.

        >>> place = Place(path=Path("/cache/1f/run"), name="s3://bucket/run")
        >>> place.as_found({"run": "/cache/1f/run", "report": "/cache/1f/run/report.html", "rows": 3})
        {'run': 's3://bucket/run', 'report': 's3://bucket/run/report.html', 'rows': 3}
        """
        here = str(self.path)
        return {
            key: self.name + value[len(here) :]
            if isinstance(value, str) and (value == here or value.startswith(f"{here}/"))
            else value
            for key, value in summary.items()
        }


@contextmanager
def held(out: str | Path, *, fresh: bool, observe: Observer) -> Iterator[Place]:
    """Hold a run folder as its one writer; for one at a URL, start from what is there and send it what was done.

    Args:
        out: path or URL.
        fresh: the run that is there will be started over.
        observe: hears where sending failed.

    Raises:
        RunError: held by another process, or the URL is not reachable or not ours to use.
    """
    if not is_url(out):
        path = Path(out)
        path.parent.mkdir(parents=True, exist_ok=True)
        with RunLock(path):
            yield Place(path=path, name=str(path))
        return
    mirror = Mirror(out)

    def keep_up(event: Event) -> None:
        mirror.keep_up(event, observe)

    with _named_as(mirror), RunLock(mirror.local):
        mirror.pull(fresh=fresh)
        try:
            yield Place(path=mirror.local, name=mirror.url, keep_up=keep_up, settle=mirror.push)
        except BaseException:
            with suppress(RunError):  # what ended the run is what matters; the next sitting sends the rest
                mirror.push()
            raise
        mirror.thin_out()


@contextmanager
def _named_as(mirror: Mirror) -> Iterator[None]:
    """People know the folder by its URL, not by where its copy lies."""
    try:
        yield
    except RunError as error:
        said = str(error)
        if str(mirror.local) not in said:
            raise
        raise RunError(said.replace(str(mirror.local), mirror.url)) from error
