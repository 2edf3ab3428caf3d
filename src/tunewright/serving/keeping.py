"""Another bundle in the place of one that answers: loaded beside it, tried, put there at once, or refused.

Requests that were let in before the swap are answered by the version they were let in for; all later ones by the new.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from tunewright.errors import TunewrightError
from tunewright.serving.models import Place, Version, misfit
from tunewright.serving.service import Service
from tunewright.serving.trial import try_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundles:
    """How bundles are looked at and loaded.

    Args:
        digest: of what lies at a source now, as `Version.version` has it.
        load: from a model's name and a source to a version.
    """

    digest: Callable[[Any], str]
    load: Callable[[str, Any], Version]


async def keep_fresh(again: asyncio.Event, *, service: Service, bundles: Bundles, say: Callable[[str], None]) -> None:
    """Look for other bundles whenever `again` is set, and every `watch` seconds where the options say so.

    Args:
        again: set by SIGHUP; then a bundle that was refused is tried once more, too.
        service: whose places are looked at.
        bundles: how.
        say: hears what was put in place and what was refused.
    """
    refused: dict[int, str] = {}
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(service.options.watch):
                await again.wait()
                refused.clear()
        again.clear()
        for place in service.shelf.places:
            await renew(place, service=service, bundles=bundles, refused=refused, say=say)


async def renew(
    place: Place, *, service: Service, bundles: Bundles, refused: dict[int, str], say: Callable[[str], None]
) -> bool:
    """Put what lies at a place's source there, if it is another bundle and a good one.

    Args:
        place: where.
        service: that answers meanwhile.
        bundles: how to look and load.
        refused: by the place's id, the digest that was refused and is not tried again; changed.
        say: hears what became of it.

    Returns:
        Whether another version answers now.
    """
    old, found = place.version, "?"
    try:
        found = await asyncio.to_thread(bundles.digest, place.source)
        if found in (old.version, refused.get(id(place))):
            return False
        new = await asyncio.to_thread(bundles.load, old.model, place.source)
        reason = misfit(old, new)
        if reason is None:
            await service.batcher.ask(partial(try_out, new))
    except TunewrightError as problem:
        reason = str(problem)
    except Exception as problem:  # whatever is wrong with it, the old one goes on
        reason = f"it cannot be loaded ({type(problem).__name__})"
    if reason is not None:
        if refused.get(id(place)) != found:
            service.metrics.swaps.labels(old.model, "refused").inc()
            say(f"{old.model} stays at {old.version}: the bundle that lies there now is refused. {reason}")
        refused[id(place)] = found
        return False
    place.version = new
    service.metrics.swaps.labels(old.model, "done").inc()
    say(f"{old.model} is at {new.version} now; it was at {old.version}.")
    await asyncio.to_thread(gc.collect)  # the old weights go as soon as its last request is answered
    return True
