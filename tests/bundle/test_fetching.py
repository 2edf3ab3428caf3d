"""A bundle at a URL is held to its list of digests before a byte of it is used."""

import hashlib
import shutil

import fsspec
import pytest

from tunewright.bundle import fetching
from tunewright.bundle.fetching import local_bundle
from tunewright.errors import ModelError
from tunewright.remote import files
from tunewright.remote.files import remove_url, write_url

URL = "memory://bundles/one"
FILES = {"tunewright.json": b"{}", "head.safetensors": b"x" * 3000}


@pytest.fixture(autouse=True)
def bundle():
    store = fsspec.filesystem("memory").store
    store.clear()
    put(FILES)
    yield store
    store.clear()


def put(content, url=URL):
    for name, data in content.items():
        write_url(f"{url}/{name}", data)
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(content.items()))
    write_url(f"{url}/SHA256SUMS", sums.encode())


def test_a_folder_of_this_machine_is_used_as_it_is(tmp_path):
    assert local_bundle(str(tmp_path)) == tmp_path


def test_it_is_fetched_once(monkeypatch):
    write_url(f"{URL}/not-listed.json", b"{}")
    folder = local_bundle(URL)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name in FILES} == FILES
    assert {path.name for path in folder.iterdir()} == {*FILES, "SHA256SUMS"}
    monkeypatch.setattr(files, "fetch", None)
    assert local_bundle(URL) == folder


def test_another_bundle_at_the_same_url_is_another_copy():
    first = local_bundle(URL)
    put(FILES | {"head.safetensors": b"y"})
    second = local_bundle(URL)
    assert second != first and (second / "head.safetensors").read_bytes() == b"y"


def test_a_damaged_copy_is_fetched_again():
    (local_bundle(URL) / "head.safetensors").write_bytes(b"z" * 3000)
    assert (local_bundle(URL) / "head.safetensors").read_bytes() == FILES["head.safetensors"]


@pytest.mark.parametrize("change", ["other", "longer", "missing"])
def test_a_file_that_is_not_as_listed_is_never_kept(change, tmp_path):
    if change == "missing":
        remove_url(f"{URL}/head.safetensors", raising=ModelError)
    else:
        write_url(f"{URL}/head.safetensors", b"y" * (3000 if change == "other" else 10**6))
    with pytest.raises(ModelError, match=r"head\.safetensors"):
        local_bundle(URL)
    assert not [path for path in fetching.home().rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["../outside.json", "/etc/passwd", "a/b.json", "..", ".hidden", "SHA256SUMS", "a\\b"])
def test_a_list_that_names_other_places_is_refused(name):
    line = f"{hashlib.sha256(b'').hexdigest()}  {name}\n".encode()
    write_url(f"{URL}/SHA256SUMS", line)
    with pytest.raises(ModelError, match="Refused"):
        local_bundle(URL)


@pytest.mark.parametrize("text", [b"", b"junk", b"\xff\xfe", b"0" * 64 + b"  only-this.json\n"])
def test_what_is_no_list_of_a_bundle_is_refused(text):
    write_url(f"{URL}/SHA256SUMS", text)
    with pytest.raises(ModelError):
        local_bundle(URL)


def test_a_list_without_end_is_cut_off():
    write_url(f"{URL}/SHA256SUMS", b"0" * (2 << 20))
    with pytest.raises(ModelError, match="may have 1,048,576 bytes"):
        local_bundle(URL)


def test_what_does_not_fit_onto_the_disk_is_refused_before_it_is_fetched(monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda path: usage)
    monkeypatch.setattr(files, "fetch", None)
    with pytest.raises(ModelError, match="must fit onto the disk"):
        local_bundle(URL)


def test_copies_used_longest_ago_go_first(monkeypatch):
    monkeypatch.setattr(fetching, "LIMIT_BYTES", 7000)
    copies = []
    for number in range(3):
        put(FILES | {"tunewright.json": str(number).encode()}, f"memory://bundles/{number}")
        copies.append(local_bundle(f"memory://bundles/{number}"))
    assert [copy.exists() for copy in copies] == [False, True, True]


def test_nothing_there_is_said():
    with pytest.raises(ModelError, match=r"A bundle is a folder with .* there is nothing there"):
        local_bundle("memory://bundles/none")
