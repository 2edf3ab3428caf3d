"""The local server of the live pages: Python's own, on the loopback interface, behind a random token in every path.

It stands beside a training, so that it must need nothing: no package that may be missing, no thread while nobody asks.
"""

from __future__ import annotations

import json
import secrets
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Final

from tunewright.errors import DataError, PlanError, ServingError, TunewrightError
from tunewright.studio import guard
from tunewright.studio.desk import Desk, Folders, UnknownRun
from tunewright.studio.routes import Answer, Stream, get, post

LOOPBACK: Final = "127.0.0.1"
PATIENCE: Final = 30.0  # seconds that a connection may keep us waiting
LONGEST: Final = 65_536  # bytes of a request's body
MOST: Final = 64  # connections at a time
PARTING: Final = 1.0  # seconds that streams get for their last words
BEAT: Final = 10.0  # seconds after which a stream says that it is still there


class Studio(ThreadingHTTPServer):
    """A server that listens; `url` is where. Use it by way of `serving`.

    Args:
        folders: () to the run folders by name.
        port: to listen on; 0 for a free one.
        single: whether there will never be more than one run.

    Raises:
        ServingError: the port is taken or not allowed.
    """

    daemon_threads = True

    def __init__(self, folders: Folders, *, port: int = 0, single: bool = False) -> None:
        self.desk = Desk(folders, single=single)
        self.token = secrets.token_urlsafe(24)
        self.closing = threading.Event()
        self._room = threading.Semaphore(MOST)
        self._at_work: set[threading.Thread] = set()
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except (OSError, OverflowError) as error:
            raise ServingError(
                f"The page needs a free port. {port} is none: {error}. Choose another --port."
            ) from error

    def server_bind(self) -> None:
        """Listen, without asking any name service what this machine is called."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    @property
    def url(self) -> str:
        """The address with its token."""
        return f"http://{LOOPBACK}:{self.server_address[1]}/{self.token}/"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection as far as there is room."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection and make room again."""
        self._at_work.add(threading.current_thread())
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._at_work.discard(threading.current_thread())
            self._room.release()

    def drain(self, seconds: float) -> None:
        """Give streams a moment to say the last word."""
        end = time.monotonic() + seconds
        for thread in list(self._at_work):
            thread.join(max(end - time.monotonic(), 0.0))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is nobody's concern, and standard error belongs to the run."""


@contextmanager
def serving(folders: Folders, *, port: int = 0, single: bool = False) -> Iterator[Studio]:
    """A server that answers from a thread of its own until the block ends."""
    studio = Studio(folders, port=port, single=single)
    thread = threading.Thread(target=studio.serve_forever, kwargs={"poll_interval": 0.2}, name="page", daemon=True)
    thread.start()
    try:
        yield studio
    finally:
        studio.closing.set()
        studio.drain(PARTING)
        studio.shutdown()
        thread.join(5)
        studio.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Studio
    protocol_version = "HTTP/1.1"
    server_version = "Tunewright"
    sys_version = ""
    timeout: ClassVar[float] = PATIENCE

    def do_GET(self) -> None:
        """Answer a page, a file or a stream."""
        parts = self._path()
        if parts is None:
            return
        try:
            found = get(self.server.desk, parts)
        except Exception as error:
            self._refuse(*_said(error))
            return
        if isinstance(found, Stream):
            self._stream(found)
        else:
            self._answer(found)

    def do_POST(self) -> None:
        """Do what a page of ours asks for."""
        parts = self._path()
        if parts is None:
            return
        if not guard.is_ours(self.headers.get("Origin"), self.headers.get("Host")):
            self._refuse(HTTPStatus.FORBIDDEN, "Only a page of this server may ask for this.")
            return
        asked = self._asked()
        if asked is None:
            return
        try:
            answer = post(self.server.desk, parts, asked)
        except Exception as error:
            self._refuse(*_said(error))
            return
        self._answer(answer)

    def _path(self) -> list[str] | None:
        """The path's parts behind the token; None where the request was refused."""
        if not guard.is_here(self.headers.get("Host")):
            self._refuse(HTTPStatus.FORBIDDEN, "This server answers on this machine only.")
            return None
        token, *parts = self.path.partition("?")[0].removeprefix("/").split("/")
        if not guard.is_token(token, self.server.token):
            self._refuse(
                HTTPStatus.NOT_FOUND, "Not found. The address has a token in it: take the one that was printed."
            )
            return None
        return parts

    def _asked(self) -> dict[str, Any] | None:
        """The body, a JSON object; None where the request was refused."""
        length = self.headers.get("Content-Length", "")
        if self.headers.get_content_type() != "application/json" or not length.isascii() or not length.isdigit():
            self._refuse(HTTPStatus.BAD_REQUEST, "A request must hold a JSON object.")
            return None
        if int(length) > LONGEST:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request holds {LONGEST} bytes at most.")
            return None
        try:
            found = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            self._refuse(HTTPStatus.BAD_REQUEST, "A request must hold a JSON object.")
            return None
        return found

    def _answer(self, answer: Answer) -> None:
        self._head(answer.status, answer.kind, length=len(answer.body), policy=answer.policy)
        self.wfile.write(answer.body)

    def _refuse(self, status: int, text: str) -> None:
        self.close_connection = True  # what is left of the request is not read
        self._answer(Answer.json({"error": text}, status=status))

    def _head(self, status: int, kind: str, *, length: int | None, policy: str = guard.POLICY) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        if self.close_connection or length is None:
            self.send_header("Connection", "close")
        self.send_header("Content-Security-Policy", policy)
        for name, value in guard.HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self, stream: Stream) -> None:
        """Server-sent events until the page leaves or the server ends."""
        self.close_connection = True
        self._head(HTTPStatus.OK, "text/event-stream; charset=utf-8", length=None)
        quiet, last = 0.0, False
        while True:
            told = stream.new()
            if told is not None:
                self.wfile.write(b"data: " + json.dumps(told, allow_nan=False).encode() + b"\n\n")
                quiet = 0.0
            elif quiet >= BEAT:
                self.wfile.write(b": still here\n\n")  # fails where the page has left, which ends this thread
                quiet = 0.0
            if last:
                return
            last = self.server.closing.wait(stream.pause)  # and then once more: how it ended is news
            quiet += stream.pause

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the library refuses by itself, in our form and without an echo."""
        self.close_connection = True
        try:
            self._answer(Answer.json({"error": HTTPStatus(code).phrase}, status=code))
        except (OSError, AttributeError):
            return  # a request so broken that there is nothing to answer on

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: standard error belongs to the run, and the path holds the token."""


def _said(error: Exception) -> tuple[int, str]:
    if isinstance(error, UnknownRun):
        return HTTPStatus.NOT_FOUND, "There is no such run here (any more)."
    if isinstance(error, DataError | PlanError):
        return HTTPStatus.BAD_REQUEST, str(error)
    if isinstance(error, TunewrightError):
        return HTTPStatus.CONFLICT, str(error)
    # A fault of ours, or files that somebody else wrote: what it says may quote them.
    return HTTPStatus.INTERNAL_SERVER_ERROR, f"This could not be answered ({type(error).__name__})."
