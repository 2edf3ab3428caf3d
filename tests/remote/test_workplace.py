"""A process's own folder: held while it lives, swept once it is dead."""

import os
import subprocess
import sys
import tempfile

import pytest

from tunewright.errors import RunError
from tunewright.remote.workplace import Workplace, lay_out


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_is_the_working_directory_until_it_is_left():
    place = Workplace({"a/b.txt": b"abc"})
    try:
        assert os.getcwd() == str(place.path) and open_text("a/b.txt") == "abc"
        other = Workplace()
        assert place.path.exists() and other.path != place.path  # a held one is not swept
        other.leave()
    finally:
        place.leave()
    assert not place.path.exists()


def open_text(name):
    with open(name) as file:
        return file.read()


def test_the_one_of_a_dead_process_goes_when_the_next_comes(tmp_path):
    code = (
        "import os\nfrom tunewright.remote.workplace import Workplace\nprint(Workplace({'x': b'1'}).path, flush=True)"
    )
    code += "\nos.kill(os.getpid(), 9)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"TMPDIR": str(tmp_path)}, capture_output=True, text=True
    )
    (left,) = tmp_path.glob("tunewright-work-*")
    assert done.returncode == -9 and done.stdout.strip() == str(left)
    place = Workplace()
    assert not left.exists()
    place.leave()


@pytest.mark.parametrize("name", ["../out.txt", "/etc/out.txt", "a/../../out.txt", "", "."])
def test_nothing_is_laid_out_elsewhere(name, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(RunError, match="must lie below its folder"):
        lay_out({name: b""}, folder)
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]
