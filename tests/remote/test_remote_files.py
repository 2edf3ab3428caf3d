"""Files at URLs: what is read and written, and what is said when that cannot be."""

import gzip
import sys

import fsspec
import polars as pl
import pytest

from tunewright.data import bounds, read
from tunewright.errors import DataError, MissingExtra, PlanError, RunError
from tunewright.plan import read_plan
from tunewright.remote.files import fetch, put_file, read_url, remove_url, sizes, write_url

REGISTRY = sys.modules["fsspec.registry"]  # fsspec.registry itself is the mapping in it
ROWS = b"text,label\n" + b"".join(f"row {n},{'ab'[n % 2]}\n".encode() for n in range(20))


@pytest.fixture(params=["memory", "file", "s3"])
def base(request, tmp_path):
    """A folder at a URL of each sort."""
    if request.param == "s3":
        yield request.getfixturevalue("s3") + "/some/folder"
        return
    yield f"memory://{tmp_path.name}" if request.param == "memory" else f"file://{tmp_path}/some/folder"
    if request.param == "memory":
        fsspec.filesystem("memory").store.clear()


def test_what_is_written_is_read_listed_and_removed(base, tmp_path):
    (tmp_path / "local").write_bytes(b"abc" * 1000)
    assert sizes(base, raising=RunError) == {}
    write_url(f"{base}/a.txt", b"first")
    write_url(f"{base}/a.txt", b"second!")
    put_file(tmp_path / "local", f"{base}/deep/er/b.bin", raising=RunError)
    assert sizes(base, raising=RunError) == {"a.txt": 7, "deep/er/b.bin": 3000}
    assert read_url(f"{base}/a.txt", what="It must be.") == b"second!"
    digest = fetch(f"{base}/deep/er/b.bin", tmp_path / "back", what="It must be.", raising=RunError)
    import hashlib

    assert (tmp_path / "back").read_bytes() == b"abc" * 1000
    assert digest == hashlib.sha256(b"abc" * 1000).hexdigest()
    remove_url(f"{base}/a.txt", raising=RunError)
    remove_url(f"{base}/a.txt", raising=RunError)  # gone already
    assert sizes(base, raising=RunError) == {"deep/er/b.bin": 3000}


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.parquet"])
def test_data_is_read_as_from_the_disk(base, name, tmp_path):
    (tmp_path / "rows.csv").write_bytes(ROWS)
    expected = read(tmp_path / "rows.csv").frame
    if name.endswith(".parquet"):
        expected.write_parquet(tmp_path / name)
    elif name.endswith(".gz"):
        (tmp_path / name).write_bytes(gzip.compress(ROWS))
    put_file(tmp_path / name, f"{base}/{name}", raising=RunError)
    reading = read(f"{base}/{name}")
    assert reading.frame.equals(expected) and reading.file == f"{base}/{name}"


def test_nothing_there_is_said(base):
    with pytest.raises(DataError, match=r"there is nothing there, no such bucket, folder or file\. Check the URL"):
        read(f"{base}/rows.csv")


def test_a_bucket_that_does_not_exist_is_said_and_not_made(s3):
    with pytest.raises(DataError, match="no such bucket"):
        read("s3://nobody-made-this-bucket/rows.csv")
    with pytest.raises(RunError, match="no such bucket"):
        write_url("s3://nobody-made-this-bucket/run/plan.yaml", b"seed: 0", raising=RunError)
    assert not fsspec.filesystem("s3").exists("nobody-made-this-bucket")


def test_no_network_is_said_without_a_secret(s3, monkeypatch):
    from s3fs import S3FileSystem

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody listens to the discard port
    monkeypatch.setattr(S3FileSystem, "retries", 1)
    S3FileSystem.clear_instance_cache()
    with pytest.raises(DataError, match="the storage did not answer") as caught:
        read(f"{s3}/rows.csv")
    assert "test-secret" not in str(caught.value) and "test-key" not in str(caught.value)


def test_no_permission_is_said(monkeypatch):
    class Closed(fsspec.AbstractFileSystem):
        protocol = "closed"

        def _open(self, path, mode="rb", **more):
            raise PermissionError("Forbidden for https://ann:pa55word@host/rows.csv?sig=abc")

        def isdir(self, path):
            return False

    monkeypatch.setitem(REGISTRY._registry, "closed", Closed)
    with pytest.raises(DataError, match=r"permission was denied\. Put credentials") as caught:
        read("closed://ann:pa55word@host/rows.csv?sig=abc")
    assert "closed://host/rows.csv:" in str(caught.value)
    assert "pa55word" not in str(caught.value) and "sig" not in str(caught.value)
    assert caught.value.__cause__ is None  # a traceback would print what it says


def test_a_library_that_is_not_installed_is_named_with_its_install_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(REGISTRY._registry, "s3", raising=False)
    with pytest.raises(MissingExtra, match=r"pip install 'tunewright\[s3\]'"):
        read("s3://bucket/rows.csv")


@pytest.mark.parametrize("url", ["nosuch://bucket/rows.csv", "simplecache::s3://bucket/rows.csv"])
def test_a_scheme_that_nobody_knows_is_refused(url):
    with pytest.raises(PlanError, match="must"):
        read(url)


def test_a_server_that_never_ends_is_cut_off(monkeypatch):
    write_url("memory://endless/rows.csv", b"a,b\n" + b"1,2\n" * 100_000)
    with pytest.raises(DataError, match=r"may have 1,000 bytes here\. memory://endless/rows\.csv has more"):
        read_url("memory://endless/rows.csv", what="Data.", limit=1000)


def test_a_bomb_at_a_url_is_one_too(monkeypatch):
    monkeypatch.setattr(bounds, "MAX_BYTES", 1 << 16)
    write_url("memory://bomb/rows.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 1_000_000))
    with pytest.raises(DataError, match=r"memory://bomb/rows\.csv\.gz goes beyond both"):
        read("memory://bomb/rows.csv.gz")


def test_nothing_of_a_file_that_could_not_be_fetched_stays(tmp_path):
    write_url("memory://partly/a.bin", b"x" * 5000)
    with pytest.raises(RunError):
        fetch("memory://partly/a.bin", tmp_path / "a.bin", what="It must be.", raising=RunError, limit=100)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part", ["train", "validation", "test"])
@pytest.mark.parametrize("url", ["https://ann:pa55word@host/rows.csv", "https://host/rows.csv?X-Signature=pa55word"])
def test_a_plan_holds_no_secret(part, url):
    for give in (
        lambda: read_plan(None, data={part: url, "target": "y"}),
        lambda: read_plan(None, [f"data.{part}={url}"]),
    ):
        with pytest.raises(PlanError, match="without user name, password and query") as caught:
            give()
        assert "pa55word" not in str(caught.value)


def test_a_plan_can_lie_at_a_url():
    write_url("memory://plans/plan.yaml", b"seed: 5\ndata: {train: s3://bucket/rows.csv, target: y}\n")
    plan = read_plan("memory://plans/plan.yaml")
    assert plan.seed == 5 and plan.data.train == "s3://bucket/rows.csv"
    with pytest.raises(PlanError, match="nothing there"):
        read_plan("memory://plans/other.yaml")


def test_findings_name_the_url_without_its_query(tmp_path):
    from tunewright.stories.prepare import load_rows

    broken = b"text,label\n" + b"a,b\n" * 100 + b"too,many,cells\n"
    write_url("memory://found/rows.csv", broken)
    loaded = load_rows(read_plan(None, data={"train": "memory://found/rows.csv", "target": "label"}))
    assert loaded.files == ("rows.csv",) and loaded.findings
    assert isinstance(loaded.frame, pl.DataFrame) and loaded.frame.height == 101
    assert load_rows(read_plan(), loaded) is loaded  # what was read elsewhere is not read again
