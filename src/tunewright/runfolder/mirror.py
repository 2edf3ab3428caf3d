"""A run folder at a URL: worked on in a copy on this machine, and kept up with there.

An object store has neither appends nor renames, so the folder there is brought along in an order of which every prefix
is a folder that a run can be continued from, exactly as on a disk:

1. the journal, without the line that says the run is finished: a checkpoint never arrives before the decisions it
   follows from;
2. files; of a folder with a marker (`complete.json`) the marker there goes first and comes back last, so that no marker
   ever names a file that is not there;
3. what no longer exists is removed;
4. the journal with its last line.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tunewright.errors import RunError
from tunewright.events import Event, Observer
from tunewright.remote import has_secrets, joined, name_of, shown
from tunewright.runfolder import disk
from tunewright.runfolder.folder import ARTEFACTS, RunFolder
from tunewright.runfolder.home import home
from tunewright.runfolder.marker import MARKER

JOURNAL: Final = "journal.jsonl"
PAUSE: Final = 10.0  # seconds between two times of keeping up, at least
SHARE: Final = 10  # and so many times as long as the last one took: a slow line must not stop the training
HEAVY: Final = ("bundle", "checkpoints")  # what a finished run is not fetched with
Stamp = tuple[int, int, int]


class Mirror:
    """The copy of a run folder, and what is known of the folder at its URL; hold the copy's `RunLock` while using it.

    Args:
        url: of the folder.

    Raises:
        RunError: the URL holds a password or a query, which would stand in the run's summary.
    """

    def __init__(self, url: str) -> None:
        if has_secrets(url) or not name_of(url):
            raise RunError(
                f"A run folder's URL must name a folder, without user name, password and query. Got {shown(url)} and "
                "more. Put credentials into the environment."
            )
        self.url = url.rstrip("/")
        digest = hashlib.sha256(self.url.encode()).hexdigest()[:16]
        self.local = home() / "runs" / digest / name_of(url)
        self._there = set[str]()
        self._sent: dict[str, Stamp] = {}
        self._journal_there = b""
        self._starts_over = False
        self._overtaken = False
        self._next = 0.0

    def pull(self, *, fresh: bool = False) -> None:
        """Make the copy what is there, unless it is further on: killed, or cut off, before it could be sent.

        Args:
            fresh: the run that is there will be started over.

        Raises:
            RunError: not reachable, not allowed, or what is there is not a run's.
        """
        from tunewright.remote.files import sizes

        self._there = set(sizes(self.url, raising=RunError))
        if JOURNAL not in self._there:
            self._refuse_foreign(fresh=fresh)
            self.empty()
            return
        self._journal_there = self._read_journal()
        self._starts_over = fresh
        if fresh:
            self.empty()
        elif not self._journal_here().startswith(self._journal_there):
            self.empty()
            self._download()

    def keep_up(self, event: Event, observe: Observer) -> None:
        """Send what is new, at the end of a station and otherwise now and then; a failure is told and tried again."""
        if event.what != "done" and time.monotonic() < self._next:
            return
        started = time.monotonic()
        try:
            self.push()
        except RunError as error:
            if self._overtaken:
                raise
            observe(Event(station=event.station, what="note", text=f"{error} The run goes on; sent again later."))
        now = time.monotonic()
        self._next = now + max(PAUSE, SHARE * (now - started))

    def push(self) -> None:
        """Bring the folder there up to the copy.

        Raises:
            RunError: not reachable or not allowed; the copy stays and the same command sends it.
        """
        stamps = self._stamps()  # before the journal is read: it then holds every decision that these follow from
        journal = self._journal_here()
        if not journal or (self.finished_there and journal == self._journal_there):
            return  # nothing has begun; or all was sent, and the copy may have been thinned out since
        self._refuse_overtaken()
        if self._starts_over:
            self._begin_again(journal)
        self._put_journal(_unfinished(journal))
        for folder in _sealed(stamps):
            self._push_folder(folder, {name: stamp for name, stamp in stamps.items() if name.startswith(f"{folder}/")})
        for name in self._changed(stamps):
            self._upload(name, stamps[name])
        self._remove(name for name in self._ours() if name not in stamps)
        self._put_journal(journal)

    @property
    def finished_there(self) -> bool:
        """Whether the journal there says that the run is finished."""
        return self._journal_there != _unfinished(self._journal_there)

    def thin_out(self) -> None:
        """Drop from the copy of a finished run what is large; it is read from where the folder is."""
        if self.finished_there:
            for name in HEAVY:
                disk.remove(self.local / name)

    def _refuse_overtaken(self) -> None:
        """Whoever wrote last goes on: a lock that death releases is nothing an object store has."""
        if self._read_journal() != self._journal_there:
            self._overtaken = True
            raise RunError(
                f"One machine at a time may write a run folder. {shown(self.url)} was written to by another since. "
                "Stop one of the two; the same command continues from what is there."
            )

    def _read_journal(self) -> bytes:
        from tunewright.remote.files import exists, read_url

        url = joined(self.url, JOURNAL)
        if not exists(url, raising=RunError):
            return b""
        return read_url(url, what="A run's journal must be readable.", raising=RunError)

    def _begin_again(self, journal: bytes) -> None:
        """As `open_run` does on a disk: from its first line on the folder is a run that is being set up."""
        self._put_journal(journal[: journal.index(b"\n") + 1] if b"\n" in journal else journal)
        self._remove(self._ours())
        self._sent.clear()
        self._starts_over = False

    def _push_folder(self, folder: str, stamps: dict[str, Stamp]) -> None:
        marker = f"{folder}/{MARKER}"
        changed = self._changed(stamps)
        gone = [name for name in self._ours() if name.startswith(f"{folder}/") and name not in stamps]
        if not changed and not gone:
            return
        self._remove([marker, *gone])
        for name in changed:
            if name != marker:
                self._upload(name, stamps[name])
        self._upload(marker, stamps[marker])

    def _changed(self, stamps: dict[str, Stamp]) -> list[str]:
        return [name for name, stamp in stamps.items() if self._sent.get(name) != stamp]

    def _upload(self, name: str, stamp: Stamp) -> None:
        from tunewright.remote.files import put_file

        put_file(self.local / name, joined(self.url, name), raising=RunError)
        self._there.add(name)
        self._sent[name] = stamp

    def _remove(self, names: Iterable[str]) -> None:
        """Remove files there, markers first."""
        from tunewright.remote.files import remove_url

        for name in sorted(set(names) & self._there, key=lambda one: (not one.endswith(f"/{MARKER}"), one)):
            remove_url(joined(self.url, name), raising=RunError)
            self._there.discard(name)
            self._sent.pop(name, None)

    def _put_journal(self, journal: bytes) -> None:
        from tunewright.remote.files import write_url

        if journal and journal != self._journal_there:
            write_url(joined(self.url, JOURNAL), journal, raising=RunError)
            self._journal_there = journal
            self._there.add(JOURNAL)

    def _journal_here(self) -> bytes:
        path = RunFolder(self.local).journal
        return path.read_bytes() if path.is_file() else b""

    def _ours(self) -> set[str]:
        return {name for name in self._there if name.partition("/")[0] in ARTEFACTS}

    def _stamps(self) -> dict[str, Stamp]:
        """Every file of the copy that belongs there, by name."""
        found = {}
        for root, folders, names in os.walk(self.local):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(root, name)
                relative = path.relative_to(self.local).as_posix()
                if not name.startswith(".") and relative.partition("/")[0] in ARTEFACTS:
                    about = path.stat()
                    found[relative] = (about.st_size, about.st_mtime_ns, about.st_ino)
        return found

    def _download(self) -> None:
        from tunewright.remote.files import fetch

        sealed = tuple(f"{folder}/" for folder in _sealed(self._there))
        # The journal last: a copy without one is none.
        for name in sorted(self._ours()):
            if self.finished_there and name.partition("/")[0] in HEAVY:
                continue
            if "/" in name and not name.startswith(sealed):
                continue  # half a folder: whoever sent it was cut off
            path = self.local / name
            if not path.resolve().is_relative_to(self.local.resolve()):
                raise RunError(f"A run folder's files must lie in it. {shown(self.url)} names {name}. Remove it there.")
            path.parent.mkdir(parents=True, exist_ok=True)
            fetch(joined(self.url, name), path, what="A run's file must be readable.", raising=RunError)
        disk.create(self.local / JOURNAL, self._journal_there)

    def empty(self) -> None:
        """Remove the run from the copy."""
        with disk.refusals_named(self.local):
            self.local.mkdir(parents=True, exist_ok=True)
            for name in (JOURNAL, *ARTEFACTS):  # the journal first, as above
                disk.remove(self.local / name)

    def _refuse_foreign(self, *, fresh: bool) -> None:
        clash = sorted(self._there if fresh else self._ours())
        if clash:
            raise RunError(
                f"A run needs a folder of its own. {shown(self.url)} is not a run's but holds {', '.join(clash[:5])}. "
                "Choose another --out, or remove what is there."
            )


def _unfinished(journal: bytes) -> bytes:
    """A journal without its last line, where that says the run is finished."""
    lines = journal.splitlines(keepends=True)
    return b"".join(lines[:-1]) if lines and b'"event": "finished"' in lines[-1] else journal


def _sealed(names: Iterable[str]) -> list[str]:
    """Folders that have a marker."""
    return [name.rpartition("/")[0] for name in names if name.endswith(f"/{MARKER}")]
