r"""Lines of a file that comes in steps: parted at \n, \r and \r\n, decoded when asked for, forgotten when done with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tunewright.data.encoding import Damage, decode_line

_FORGET = 1_024  # lines that are let go at a time


def split_lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    r"""Lines with their ends, as `bytes.splitlines(keepends=True)` gives them for the whole; linear in any line.

    >>> list(split_lines([b"a\r", b"\nb\n", b"\r", b"c", b"d"]))
    [b'a\r\n', b'b\n', b'\r', b'cd']
    """
    held: list[bytes] = []  # of a line whose end has not come
    for part in parts:
        waits = bool(held) and held[-1].endswith(b"\r")  # for a \n that belongs to it
        held.append(part)
        if not waits and b"\n" not in part and b"\r" not in part:
            continue
        lines = b"".join(held).splitlines(keepends=True)
        held = [] if lines[-1].endswith(b"\n") else [lines.pop()]
        yield from lines
    if held:
        yield b"".join(held)


class Lines:
    r"""Decoded lines by their number from 0, each read when it is asked for.

    `len` counts the lines known so far, which is always one more than the highest asked for, unless there are no more.
    So whoever goes from line to line and stops where `len` says so sees all of them, and holds few.

    Args:
        raw: the lines, with their ends.

    >>> lines = Lines([b"a\n", b"b\n", b"c"])
    >>> lines[1], len(lines), lines[2], len(lines)
    ('b\n', 3, 'c', 3)
    """

    def __init__(self, raw: Iterable[bytes]) -> None:
        self._raw = iter(raw)
        self._texts: list[str] = []
        self._damage: list[Damage | None] = []
        self._first = 0  # number of the first line that is still held
        self._fill(1)

    def __getitem__(self, place: int, /) -> str:
        self._fill(place + 2)
        return self._texts[place - self._first]

    def __len__(self) -> int:
        return self._first + len(self._texts)

    def damage(self, start: int, stop: int) -> set[Damage]:
        """What was wrong with the bytes of some lines."""
        return {what for what in self._damage[start - self._first : stop - self._first] if what is not None}

    def forget(self, stop: int) -> None:
        """Let go of the lines before `stop`, which nobody will ask for again."""
        if stop - self._first >= _FORGET:
            del self._texts[: stop - self._first]
            del self._damage[: stop - self._first]
            self._first = stop

    def _fill(self, count: int) -> None:
        while len(self) < count and (line := next(self._raw, None)) is not None:
            text, what = decode_line(line)
            self._texts.append(text)
            self._damage.append(what)
