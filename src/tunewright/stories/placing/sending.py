"""A whole run placed on a cluster: the plan and the rows go there, progress and the run folder come back.

The node works in a directory of its own. A run folder of this machine is handed over as it is and comes back when the
run ends or is stopped; one at a URL is worked on by the node alone. A node that dies costs what was not sent: the run
is begun again elsewhere, from its URL or from what was handed over, twice at most.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewright.errors import PlanError, RunError, TrainingError
from tunewright.events import Event
from tunewright.remote import is_url
from tunewright.remote.cluster import connected, room_for
from tunewright.remote.workplace import lay_out
from tunewright.runfolder import RunFolder, RunLock
from tunewright.runfolder.atomic import json_bytes
from tunewright.runfolder.mirror import Mirror
from tunewright.runfolder.place import Place
from tunewright.seal import add_looks, looks
from tunewright.search.runners import RETRIES
from tunewright.stories.placing.errand import End, Errand, Order, Stopped, content
from tunewright.stories.placing.luggage import packed
from tunewright.stories.prepare import load_rows
from tunewright.stories.run import run_story
from tunewright.stories.walk import Request, run_digest, run_name
from tunewright.version import __version__

GRACE = 60.0  # seconds that a node gets to write its checkpoint and hand over what it has
WAIT = 600.0  # seconds until a node with room must have begun


def placed(request: Request, on: str) -> tuple[RunFolder, dict[str, Any]]:
    """Walk the whole road on a cluster.

    Args:
        request: as for `run_story`.
        on: the cluster, as for `connected`.

    Returns:
        The run folder and the run's summary; of a folder at a URL the copy on this machine, which may be empty.

    Raises:
        TunewrightError: what the run raised there; or no node with room, or it died too often.
    """
    loaded = None if _all_at_urls(request) else load_rows(request.plan, request.source)
    out = _out(request, loaded)
    order = Order(
        plan=request.plan,
        loaded=loaded,
        out=str(out),
        fresh=request.fresh,
        files=packed(request.plan),
        looks=looks(),
    )
    with connected(on) as ray:
        if is_url(out):
            return RunFolder(Mirror(out).local), _told(*_sent(ray, order, request))
        with _handed_over(Path(out), request) as (mirror, name):
            files = {f"{name}/{one}": data for one, data in content(mirror.local).items()}
            # Whether it is started over is settled already: then there are none.
            end, left = _sent(ray, replace(order, out=name, fresh=False, files={**order.files, **files}), request)
            end = replace(end, summary=Place(path=Path(name), name=str(out)).as_found(end.summary))
            _land(end, mirror)
        return RunFolder(Path(out)), _told(end, left)


def run_where_asked(request: Request) -> tuple[RunFolder, dict[str, Any]]:
    """`run_story` here, or on the cluster that the request names."""
    return run_story(request) if request.on is None else placed(request, request.on)


def _all_at_urls(request: Request) -> bool:
    data = request.plan.data
    given = [where for where in (data.train, data.validation, data.test) if where is not None]
    return request.source is None and bool(given) and all(is_url(where) for where in given)


def _out(request: Request, loaded: Any) -> str | Path:
    if request.out is not None:
        return request.out
    if loaded is None:
        raise PlanError(
            "A run on a cluster whose data lies at URLs needs a name for its folder. Got none. "
            "Give --out, a folder or a URL."
        )
    return Path("runs") / f"{run_name(loaded)}-{run_digest(request.plan, loaded)[:8]}"


@contextmanager
def _handed_over(out: Path, request: Request) -> Iterator[tuple[Mirror, str]]:
    """A run folder of this machine, held; its state so far lies in a copy, by way of which it comes back, too."""
    path = out.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    mirror = Mirror(path.as_uri())
    with RunLock(path), RunLock(mirror.local):
        mirror.pull(fresh=request.fresh)
        yield mirror, path.name


def _land(end: End, mirror: Mirror) -> None:
    """Put what came back where it belongs, in the order in which a run writes it."""
    files = dict(end.files)
    if end.summary and "summary.json" in files:
        files["summary.json"] = json_bytes(end.summary, of="summary.json", indent=2) + b"\n"
    if files:
        mirror.empty()
        lay_out(files, mirror.local)
        mirror.push()
        mirror.thin_out()


def _told(end: End, left: BaseException | None) -> dict[str, Any]:
    """The summary; or what ended the run, here or there."""
    add_looks(end.looks)
    if left is not None:
        raise left
    if end.error is not None:
        raise end.error
    if end.how == "stopped":
        raise Stopped
    return end.summary


def _sent(ray: Any, order: Order, request: Request) -> tuple[End, BaseException | None]:
    """Have it done, again where a node died; also what made us leave before the end, if anything did."""
    sent, why = ray.put(order), ""
    for tries in range(1, RETRIES + 2):
        if why:
            text = f"The run's process died ({why}). It is begun again, {tries} of {RETRIES + 1}."
            request.observe(Event(station="run", what="note", text=text))
        try:
            return _done(ray, sent, request)
        except ray.exceptions.RayTaskError as error:
            raise RunError(f"A node must be able to run Tunewright. One could not: {error}") from error
        except ray.exceptions.RayError as error:
            why = type(error).__name__
    raise TrainingError(
        f"A run's process must live. On the cluster it died {RETRIES + 1} times, at last with {why}; memory may have "
        "run out. Lower training.batch_tokens, or place it on a larger node."
    )


def _done(ray: Any, sent: Any, request: Request) -> tuple[End, BaseException | None]:
    room = room_for(ray.nodes(), 1)
    wanted = {"num_cpus": room.cpus, "num_gpus": room.gpus, "max_restarts": 0}
    errand = ray.remote(Errand).options(**wanted).remote()
    try:
        _begun(ray, errand.begin.remote(sent), room.cpus)
        return _heard(ray, errand, request), None
    except ray.exceptions.RayError:
        raise
    except BaseException as left:  # a signal, or an observer's: the run there is left where it can be continued
        end = _left(ray, errand)
        if end is None:
            raise
        return end, left
    finally:
        with suppress(Exception):  # whatever is wrong with the cluster, nothing of ours goes on there
            ray.kill(errand, no_restart=True)


def _begun(ray: Any, version: Any, cpus: int) -> None:
    if not ray.wait([version], timeout=WAIT)[0]:
        raise RunError(
            f"A cluster must have room for a run. No node had {cpus} free CPUs within {WAIT / 60:g} minutes. "
            "Stop what runs there, or add a node."
        )
    if (there := ray.get(version)) != __version__:
        raise RunError(
            f"A cluster must run the release that is here. Here is {__version__}, there {there}. "
            "Install the same on every node."
        )


def _heard(ray: Any, errand: Any, request: Request) -> End:
    asked = False
    while True:
        for one in ray.get(errand.hear.remote()):
            if isinstance(one, End):
                return one
            request.observe(one)
        number = request.stop()
        if number is not None and not asked:
            errand.stop.remote(number)
            asked = True


def _left(ray: Any, errand: Any) -> End | None:
    """What a run hands over when it is asked to stop; None where it does not answer in time."""
    with suppress(Exception):  # the cluster may be what is wrong
        errand.stop.remote(signal.SIGTERM)
        limit = time.monotonic() + GRACE
        while time.monotonic() < limit:
            for one in ray.get(errand.hear.remote(), timeout=GRACE):
                if isinstance(one, End):
                    return one
    return None
