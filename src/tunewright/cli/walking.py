"""Walk a story that fills a run folder: progress on standard error, signals caught, a page and trackers listening."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunewright.events import Observer
    from tunewright.plan import Plan
    from tunewright.runfolder import RunFolder
    from tunewright.stories.walk import Request

Story = Callable[["Request"], "tuple[RunFolder, dict[str, Any]]"]


def walk(
    story: Story,
    plan: Plan,
    *,
    out: str | None,
    fresh: bool,
    quiet: bool,
    on: str | None = None,
    hear: Observer | None = None,
    track: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Tell the story and return its summary.

    Args:
        story: from a request to a folder and its summary.
        plan: the resolved plan.
        out: the folder, a path or a URL, or None for the story's own.
        fresh: start over where the folder already holds one.
        quiet: no progress.
        on: the cluster to use, or None for this machine.
        hear: hears every event as well, or None.
        track: names of trackers, or None.
    """
    from tunewright.cli.progress import shown
    from tunewright.cli.signals import caught
    from tunewright.events import silent, to_all
    from tunewright.records import to_json
    from tunewright.remote import place
    from tunewright.remote.cluster import check_on
    from tunewright.stories.walk import Request
    from tunewright.trackers import tracking

    with (
        caught() as stop,
        tracking(track or (), parameters=to_json(plan), on=on) as tracked,
        shown(quiet=quiet) as show,
    ):
        request = Request(
            plan=plan,
            out=None if out is None else place(out),
            fresh=fresh,
            observe=to_all(stop.watch, hear or silent, tracked, show),
            stop=stop,
            on=on if on is None else check_on(on),
        )
        return story(request)[1]
