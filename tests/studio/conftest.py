"""A browser that is driven over a pipe, a run that trains for as long as it is looked at, and one that has ended."""

from __future__ import annotations

import base64
import csv
import fcntl
import json
import os
import random
import select
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-extensions --disable-background-networking "
    "--disable-component-update --disable-sync --mute-audio --hide-scrollbars --remote-debugging-pipe"
)
HOSTILE = "<img src=x onerror=\"document.body.dataset.hit='1'\"><script>document.body.dataset.hit='2'</script>\x1b[31m‮"


class Browser:
    """Chromium by its DevTools protocol: JSON messages, each ended by a NUL, over file descriptors 3 and 4."""

    def __init__(self, folder: Path) -> None:
        (theirs, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in (theirs, theirs_out)]
        command = f'exec "$0" {FLAGS} --user-data-dir="$1" about:blank 3<&{high[0]} 4>&{high[1]}'
        self.process = subprocess.Popen(
            ["bash", "-c", command, str(CHROMIUM), str(folder)],
            pass_fds=high,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for fd in (theirs, theirs_out, *high):
            os.close(fd)
        self._out, self._in = ours_out, ours_in
        self._buffer, self._number = b"", 0
        self.events: list[dict] = []

    def ask(self, method, session=None, **params):
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            found = self._next(30)
            if found.get("id") == number:
                assert "error" not in found, found
                return found["result"]
            self.events.append(found)

    def hear(self):
        """Take in what has come without being asked for."""
        while b"\0" in self._buffer or select.select([self._in], [], [], 0)[0]:
            self.events.append(self._next(5))

    def _next(self, seconds):
        end = time.monotonic() + seconds
        while b"\0" not in self._buffer:
            assert select.select([self._in], [], [], max(end - time.monotonic(), 0))[0], "the browser is silent"
            data = os.read(self._in, 1 << 20)
            assert data, "the browser has gone"
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def open(self, url, *, width=1100, height=900, dark=False):
        target = self.ask("Target.createTarget", url="about:blank", newWindow=True)["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, target)
        for domain in ("Page", "Runtime", "Log"):
            page.ask(f"{domain}.enable")
        page.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.ask("Emulation.setEmulatedMedia", features=[scheme])
        page.ask("Emulation.setFocusEmulationEnabled", enabled=True)  # or only one page at a time would be looked at
        page.go(url)
        return page

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        os.close(self._in)
        os.close(self._out)


@dataclass
class Page:
    browser: Browser
    session: str
    target: str
    allowed: tuple[str, ...] = ()

    def ask(self, method, **params):
        return self.browser.ask(method, session=self.session, **params)

    def go(self, url):
        self.ask("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def js(self, expression):
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, expression, seconds=20):
        end = time.monotonic() + seconds
        while not (value := self.js(f"(() => {{ try {{ return !!({expression}); }} catch {{ return false; }} }})()")):
            assert time.monotonic() < end, f"never: {expression}\n{self.js('document.body.innerText')}\n{self.errors()}"
            time.sleep(0.05)
        return value

    def text(self, selector="body"):
        return self.js(f"document.querySelector({json.dumps(selector)}).innerText")

    def press(self, key):
        letter = len(key) == 1
        codes = {"ArrowLeft": 37, "ArrowRight": 39, "Escape": 27, "Enter": 13, "Tab": 9}
        about = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0].upper()))}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **about, **({"text": key} if letter else {}))
        self.ask("Input.dispatchKeyEvent", type="keyUp", **about)

    def type(self, text):
        self.ask("Input.insertText", text=text)

    def errors(self):
        """What the console holds against the page: errors, refused resources, exceptions nobody caught."""
        self.browser.hear()
        found = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session or any(text in str(event) for text in self.allowed):
                continue
            params = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"].get("exception", params["exceptionDetails"]))
            if event["method"] == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"])
            if event["method"] == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                found.append(params["args"])
        return found

    def overflow(self):
        """Pixels by which the page is wider than the window."""
        return self.js("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def shot(self, name):
        """A picture of the page, where somebody asked for pictures."""
        folder = os.environ.get("TUNEWRIGHT_SHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            data = self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"]
            Path(folder, f"{name}.png").write_bytes(base64.b64decode(data))

    def close(self):
        self.browser.ask("Target.closeTarget", targetId=self.target)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    found = Browser(tmp_path_factory.mktemp("browser"))
    yield found
    found.close()


def write_rows(path: Path, words, *, rows=150, hostile=True) -> Path:
    """Texts whose first word tells the label nine times of ten; every third holds markup and codes."""
    draw, labels = random.Random(7), ("green", "red")
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "size", "label"])
        for row in range(rows):
            said = row % 2 if draw.random() < 0.9 else draw.randrange(2)
            text = " ".join([words[said], *draw.choices(words[12:], k=7)])
            writer.writerow(
                [f"{text} {HOSTILE}" if hostile and row % 3 == 0 else text, draw.randrange(99), labels[row % 2]]
            )
    return path


@pytest.fixture(scope="session")
def rows_csv(tmp_path_factory, tiny_words):
    return write_rows(tmp_path_factory.mktemp("rows") / "rows.csv", tiny_words)


def tunewright(arguments, home, **options):
    """The command in a process of its own."""
    environment = os.environ | {"TUNEWRIGHT_HOME": str(home), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "tunewright", *map(str, arguments)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.fixture
def train(tiny_model, rows_csv, tmp_path):
    """(*more) to the process of a run that trains until it is stopped; always the same run folder, `runs/long`."""
    started = []

    def begin(*more, out=tmp_path / "runs" / "long"):
        endless = ["--set", "training.epochs=100000", "--set", "training.early_stopping=0"]
        options = [
            "--set",
            f"model.name={tiny_model}",
            "--set",
            "model.train=full",
            "--set",
            "audit.apply=none",
            *endless,
        ]
        process = tunewright(
            ["run", rows_csv, "--target", "label", *options, "--out", out, *more], tmp_path / "home", cwd=tmp_path
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def finished(tmp_path_factory, tiny_model, rows_csv):
    """A folder `runs` with two finished runs of the same rows, `one` and `two`."""
    import tunewright as tw

    runs = tmp_path_factory.mktemp("studio") / "runs"
    previous = os.environ.get("TUNEWRIGHT_HOME")
    os.environ["TUNEWRIGHT_HOME"] = str(runs.parent / "home")
    try:
        for name, strength in (("one", 1.0), ("two", 0.01)):
            tw.run(
                rows_csv,
                target="label",
                out=runs / name,
                model={"name": str(tiny_model), "train": "head", "head": "linear"},
                training={"probe_C": strength},
                objective={"metric": "accuracy"},
                audit={"apply": "none"},
            )
    finally:
        if previous is None:
            del os.environ["TUNEWRIGHT_HOME"]
        else:
            os.environ["TUNEWRIGHT_HOME"] = previous
    return runs


@pytest.fixture
def copied(finished, tmp_path):
    """The same runs, to be written to."""
    return Path(shutil.copytree(finished, tmp_path / "runs"))
