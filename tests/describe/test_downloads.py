"""Pages over HTTP, from a real server on loopback, and the addresses that are refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any

import pytest

from cellmage import UsageError
from cellmage.describe import describe_file, download
from cellmage.describe.downloads import is_public

PAGES = {
    "/page": ("text/html; charset=utf-8", b"<p>The <b>moon</b>"),
    "/a.csv": ("text/plain", b"city,size\n" + b"Rome,1\n" * 6),
    "/%C3%BC.txt?a=b": ("text/plain", b"query"),
    "/large": ("text/plain", b"x" * (20 * 2**20 + 1)),
}
MOVES = {
    "/moved": "/page",
    "/away": "http://example.org/",
    "/loop": "/loop",
    "/odd": "file:///etc/",
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path in MOVES:
            self.send_response(302)
            self.send_header("Location", MOVES[self.path])
            self.end_headers()
            return
        if self.path == "/slow":
            time.sleep(1)
        kind, data = PAGES.get(self.path, ("", b""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def load(address: str, seconds: float = 20) -> Any:
    return download(address, is_allowed=lambda address: True, seconds=seconds)


def test_pages_are_read_by_their_type(url: str) -> None:
    assert describe_file(load(f"{url}/page"), "stats").text == "```html\nThe moon\n```"
    assert describe_file(load(f"{url}/moved"), "stats").text == "```html\nThe moon\n```"
    assert "Rome (6)" in describe_file(load(f"{url}/a.csv"), "stats").text
    assert load(f"{url}/ü.txt?a=b#part").data == b"query"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/none", "the server answered 404"),
        ("/large", "it is larger than 20 MB"),
        ("/away", r"it leads to another host, example\.org"),
        ("/loop", "it leads from one address to the next"),
        ("/odd", "only http and https"),
        ("/slow", r"took longer than 0\.2 s|the connection failed"),
    ],
)
def test_what_is_not_loaded(url: str, path: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(f"{url}{path}", 0.2 if path == "/slow" else 20)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/",
        "http://localhost:8888/tree",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://100.100.100.200/",
        "http://[fd00:ec2::254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
    ],
)
def test_private_hosts_are_refused(address: str) -> None:
    with pytest.raises(UsageError, match="it is not a public host"):
        download(address)


@pytest.mark.parametrize(
    "address",
    ["ftp://example.org/a", "file:///etc/passwd", "http://user:secret@example.org/", "http://",
     "http://exa mple.org/", "http://example.org/\r\nHost: a", "http://[::1"],
)  # fmt: skip
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(UsageError, match=r"only http and https|it is no address of a page"):
        download(address)


def test_a_host_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="there is no such host"):
        download("http://nowhere.invalid/")
    with pytest.raises(UsageError, match="the connection failed"):
        load("http://127.0.0.1:9/")


def test_public_addresses() -> None:
    assert is_public(ip_address("93.184.215.14"))
    assert is_public(ip_address("2606:2800:21f:cb07:6820:80da:af6b:8b2c"))
    assert not is_public(ip_address("2002:7f00:1::"))
    assert not is_public(ip_address("fe80::1%eth0"))
    assert not is_public(ip_address("224.0.0.1"))
