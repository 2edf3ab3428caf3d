"""S3 on loopback: moto's server in this process, and a bucket."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def s3_server():
    """The endpoint of an S3 server on a free port of the loopback interface."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server, monkeypatch):
    """Credentials in the environment, as a person would give them; a new bucket's URL."""
    import fsspec
    from s3fs import S3FileSystem

    environment = {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "test-key",
        "AWS_SECRET_ACCESS_KEY": "test-secret-of-nobody",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    fs = fsspec.filesystem("s3", use_listings_cache=False)
    s3.buckets = getattr(s3, "buckets", 0) + 1
    bucket = f"bucket-{s3.buckets}"
    fs.mkdir(bucket)
    yield f"s3://{bucket}"
    S3FileSystem.clear_instance_cache()
