"""`--page`: a page of this machine beside the work, and what keeps it open when the work is done."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tunewright.events import Event

if TYPE_CHECKING:
    from tunewright.studio.server import Studio


class LivePage:
    """Serves the run that it hears being opened; before that there is nothing to show."""

    def __init__(self) -> None:
        from tunewright.studio.server import serving

        self._folders: dict[str, Path] = {}
        self._open = ExitStack()
        self.studio: Studio = self._open.enter_context(serving(lambda: self._folders, single=True))

    def __call__(self, event: Event) -> None:
        """Hear where the run folder is."""
        if event.station == "run" and event.what == "opened":
            folder = Path(event.data["folder"])
            self._folders = {folder.name: folder}

    def close(self) -> None:
        """End the server."""
        self._open.close()

    def stay(self) -> None:
        """Serve on until Ctrl-C."""
        sys.stderr.write(f"\nThe page stays open: {self.studio.url}\nCtrl-C ends it.\n")
        wait(self.close)


@contextmanager
def paged(*, wanted: bool, on: str | None = None) -> Iterator[LivePage | None]:
    """A page where one is wanted; it is closed where the work fails, and otherwise by what `staying` gives.

    Args:
        wanted: whether.
        on: the cluster that the work goes to, where no page can look on.
    """
    if not wanted:
        yield None
        return
    if on is not None:
        raise typer.BadParameter(
            f"shows what runs on this machine. Got --on {on} as well. Leave one of them out.", param_hint="--page"
        )
    live = LivePage()
    try:
        # Printed with --quiet, too: without its token nobody finds the page that was asked for.
        sys.stderr.write(f"Page: {live.studio.url}\n")
        sys.stderr.flush()
        yield live
    except BaseException:
        live.close()
        raise


def staying(live: LivePage | None, *, json: bool) -> Callable[[], None] | None:
    """What comes after the answer was printed: the page stays for a person at a terminal, and for nobody else."""
    if live is None:
        return None
    if json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        live.close()
        return None
    return live.stay


def wait(close: Callable[[], None]) -> None:
    """Wait for Ctrl-C, then close."""
    # A shell that starts it in the background has it ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        forever()
    except KeyboardInterrupt:
        sys.stderr.write("\n")
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
        close()


def forever() -> None:
    """Do nothing until a signal ends it."""
    threading.Event().wait()
