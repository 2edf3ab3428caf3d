"""Calling the followers: they wait at the store, costing nothing, until the leader has work for them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tunewright.errors import ModelError
from tunewright.events import Observer, silent
from tunewright.training.parallel.group import PATIENCE, Group, Store
from tunewright.training.parallel.lost import Lost, message
from tunewright.training.parallel.spread import Decide, Spread

if TYPE_CHECKING:
    from tunewright.training.parallel.spec import Spec

GOODBYE = 10.0  # seconds that the leader waits for followers to leave, since its end may take the store away
_GOODBYE = b"bye"


def _never() -> int | None:
    return None


def _make(name: str, make: Callable[[], Any]) -> Any:
    return make()


class Crew:
    """The followers of this process, which is rank 0.

    Args:
        store: where all ranks meet.
        world: how many ranks there are.
        patience: after which one that does not answer counts as gone.
    """

    def __init__(self, store: Store, world: int, patience: timedelta = PATIENCE) -> None:
        self.store, self.world, self.patience = store, world, patience
        self._group: Group | None = None
        self._calls = 0

    @contextmanager
    def encoder(
        self,
        spec: Spec,
        *,
        width: int,
        observe: Observer = silent,
        stop: Callable[[], int | None] = _never,
        decide: Decide = _make,
    ) -> Iterator[Spread]:
        """Have every rank open an encoder, and let it go at the end of the block; the options are `Spread`'s.

        Raises:
            ModelError: a rank does not have it.
            Lost: a rank is gone.
        """
        group = self._call(spec)
        problems = [f"Rank {rank}: {text}" for rank, text in enumerate(group.answers("")) if text]
        if problems:
            raise ModelError(" ".join(problems))
        try:
            yield Spread(group, width=width, observe=observe, stop=stop, decide=decide)
        finally:
            # In the middle of something followers would take the message for something else; they leave with us.
            if group.sound and not group.busy:
                group.tell({"op": "end"})

    def close(self) -> None:
        """Let the followers go; those that are not waiting end when this process does."""
        if self._group is not None and (self._group.busy or not self._group.sound):
            return
        try:
            self._post(_GOODBYE)
            end = time.monotonic() + GOODBYE
            while not self.store.check([f"gone/{rank}" for rank in range(1, self.world)]):
                if time.monotonic() > end:
                    return
                time.sleep(0.01)
        except RuntimeError:
            return  # the store is gone, and they are with it
        if self._group is not None:
            self._group.close()

    def _call(self, spec: Spec) -> Group:
        if self._group is not None and (self._group.busy or not self._group.sound):
            raise Lost(message(self.world, [], RuntimeError("it left before, or was left in the middle of its work")))
        try:
            self._post(json.dumps(spec.to_json()).encode())
        except RuntimeError as problem:
            raise Lost(message(self.world, [], problem)) from problem
        if self._group is None:
            self._group = Group(self.store, 0, self.world, self.patience)
        return self._group

    def _post(self, text: bytes) -> None:
        self.store.set(f"call/{self._calls}", text)
        self._calls += 1
