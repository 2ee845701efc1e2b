"""Published data sets: nothing wrong, half or unexpected may end up in the cache. A server on 127.0.0.1 has them."""

import hashlib
import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat

import numpy as np
import pytest

import rfp_md
from rfp_md.errors import UserError
from rfp_md.io.datasets import CITATIONS, cache_folder, published
from rfp_md.io.fetch import fetch
from rfp_md.progress import Progress

NAME = "rmd17_ethanol_train_01"


@contextmanager
def serving(content: bytes, *, status: int = 200, promised: int | None = None):
    """The URL of a server that answers everything alike; ``promised`` bytes are announced."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            paths.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(promised or len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    paths: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/md/", paths
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The cache."""
    monkeypatch.setenv("RFP_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache"


@pytest.fixture
def content(tmp_path, rng):
    """A file as rMD17 has them."""
    np.savez(
        tmp_path / "source.npz",
        nuclear_charges=np.array([8, 1, 1]),
        coords=rng.normal(size=(5000, 3, 3)),
        energies=rng.normal(size=5000),
        forces=rng.normal(size=(5000, 3, 3)),
        old_indices=np.arange(5000),
    )
    return (tmp_path / "source.npz").read_bytes()


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_is_fetched_can_be_read_and_is_not_fetched_twice(folder, content):
    class Counting(Progress):
        total = done = 0

        def start(self, label, total, unit):
            self.total = total

        def advance(self, done):
            self.done += done

    progress = Counting()
    with serving(content) as (url, paths):
        result = fetch(NAME, mirror=url, progress=progress)
    assert paths == [f"/md/{NAME}.npz"]
    assert result["path"] == str(folder / f"rmd17/{NAME}.npz")
    assert (result["downloaded"], result["verified"]) == (True, False)
    assert result["sha256"] == hashlib.sha256(content).hexdigest()
    assert 0 < progress.total <= progress.done < progress.total + 64
    assert len(rfp_md.read(result["path"])) == 5000
    assert fetch(NAME, mirror=url) == result | {"downloaded": False}
    assert (folder / f"rmd17/{NAME}.npz").stat().st_mode & 0o444 == 0o444


def test_a_checksum_that_is_right_is_said_to_be(folder, content, monkeypatch):
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setitem(published(), NAME, replace(published()[NAME], sha256=digest))
    with serving(content) as (url, _):
        assert fetch(NAME, mirror=url)["verified"]
        (folder / f"rmd17/{NAME}.npz").write_bytes(b"PK damaged on the disk")
        assert fetch(NAME, mirror=url)["sha256"] == digest


def test_a_checksum_that_is_wrong_leaves_nothing(folder, monkeypatch):
    content = b"BZh something else"
    monkeypatch.setitem(published(), "rmd17", replace(published()["rmd17"], bytes=len(content)))
    with serving(content) as (url, _), pytest.raises(UserError) as caught:
        fetch("rmd17", mirror=url)
    for part in ("rmd17.tar.bz2", hashlib.sha256(content).hexdigest(), published()["rmd17"].sha256, "fetch it again"):
        assert part in str(caught.value)
    assert files(folder) == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"content": b"gone", "status": 404}, "(404 Not Found)"),
        ({"content": b"<html>Please log in</html>"}, "perhaps a page with a message"),
        ({"content": b"PK"}, "perhaps a page with a message"),
        ({"content": b"PK half of it", "promised": 1000}, "(ProtocolError)"),
    ],
)
def test_a_server_that_sends_something_else_leaves_nothing(folder, answer, message):
    with serving(**answer) as (url, _), pytest.raises(UserError) as caught:
        fetch(NAME, mirror=url)
    assert message in str(caught.value)
    assert "--mirror" in str(caught.value)
    assert files(folder) == []


@pytest.mark.parametrize("answer", [b"PK\3\4", b"PK" * 100])
def test_another_size_than_the_published_one_leaves_nothing(folder, monkeypatch, answer):
    monkeypatch.setitem(published(), NAME, replace(published()[NAME], bytes=100))
    with (
        serving(answer) as (url, _),
        pytest.raises(UserError, match=f"has 100 bytes as published, but {len(answer)} at"),
    ):
        fetch(NAME, mirror=url)
    assert files(folder) == []


def test_a_file_in_the_cache_of_another_size_is_fetched_again(folder, content, monkeypatch):
    monkeypatch.setitem(published(), NAME, replace(published()[NAME], bytes=len(content)))
    path = folder / f"rmd17/{NAME}.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK\3\4")
    with serving(content) as (url, _):
        assert fetch(NAME, mirror=url)["downloaded"]
    assert path.read_bytes() == content


@contextmanager
def answering(*pieces: bytes, pause: float = 0.0):
    """The URL of a server that sends these pieces, the last one again and again, until nobody listens."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        with server, server.accept()[0] as client, suppress(OSError):
            client.recv(10_000)
            for piece in chain(pieces, repeat(pieces[-1])):
                client.sendall(piece)
                time.sleep(pause)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        thread.join()


def test_a_body_without_an_end_is_ended(folder, monkeypatch):
    monkeypatch.setattr("rfp_md.io.fetch.MOST", 100_000)
    with (
        answering(b"HTTP/1.1 200 OK\r\n\r\n", b"PK" * 10_000) as url,
        pytest.raises(UserError, match="sends more than 100,000 bytes"),
    ):
        fetch(NAME, mirror=url)
    assert files(folder) == []


@pytest.mark.parametrize("length", [b"-1", b"many", b"9" * 30])
def test_a_length_that_is_a_lie_leaves_nothing(folder, monkeypatch, length):
    monkeypatch.setattr("rfp_md.io.fetch.MOST", 1000)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n"
    with answering(head, b"PK" * 10_000) as url, pytest.raises(UserError, match=NAME):
        fetch(NAME, mirror=url)
    assert files(folder) == []


def test_a_server_that_drips_is_left(folder, monkeypatch):
    monkeypatch.setattr("rfp_md.io.fetch.PATIENCE", 0.1)
    with (
        answering(b"HTTP/1.1 200 OK\r\n\r\n", b"P", pause=0.02) as url,
        pytest.raises(UserError, match="less than 1024 bytes in a second"),
    ):
        fetch(NAME, mirror=url)
    assert files(folder) == []


def test_a_way_to_a_file_of_this_machine_is_not_followed(folder, tmp_path):
    (tmp_path / f"{NAME}.npz").write_bytes(b"secret")
    answer = f"HTTP/1.1 302 Found\r\nLocation: file://{tmp_path}/{NAME}.npz\r\nContent-Length: 0\r\n\r\n".encode()
    with answering(answer) as url, pytest.raises(UserError, match="InvalidSchema"):
        fetch(NAME, mirror=url)
    assert files(folder) == []


@pytest.mark.parametrize(
    "mirror", ["http://127.0.0.1:1", "127.0.0.1:1/md", "http://", "file:///etc", "ftp://127.0.0.1"]
)
def test_a_network_that_fails_is_one_sentence(folder, mirror):
    with pytest.raises(UserError, match=f"{NAME}: cannot be fetched from"):
        fetch(NAME, mirror=mirror)
    assert files(folder) == []


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("RFP_DATA", str(tmp_path / "file"))
    with pytest.raises(UserError, match="RFP_DATA=FOLDER names another place"):
        fetch(NAME, mirror="http://127.0.0.1:1")


def test_a_wrong_name_is_answered_with_the_right_one(folder):
    with pytest.raises(UserError, match="did you mean 'md17_ethanol'"):
        fetch("md17_etanol")


def test_the_cache_is_the_users_unless_rfp_data_is_set(monkeypatch):
    monkeypatch.delenv("RFP_DATA", raising=False)
    assert cache_folder().name == "rfp-md"


def test_the_catalogue_is_whole():
    entries = published().values()
    assert len(entries) == 10 + 10 + 100 + 1
    assert len({entry.path for entry in entries}) == len({entry.url for entry in entries}) == len(entries)
    assert all(entry.cite in CITATIONS and entry.url.startswith("https://") for entry in entries)
    assert [entry.name for entry in entries if entry.sha256] == ["rmd17"]
