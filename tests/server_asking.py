"""The guide's server asked byte by byte, for its tests."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPResponse

from microgpt.cli import guide_server
from microgpt.cli.guide_files import HEADERS
from patience import PATIENCE

LETTERS = b"abcdefghij"


@contextlib.contextmanager
def running(server: guide_server.GuideServer) -> Iterator[None]:
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()


class Answer:
    """An answer as it came, its head checked for what every answer must have."""

    def __init__(self, link: socket.socket, method: str = "GET") -> None:
        response = HTTPResponse(link, method=method)
        response.begin()
        self.status, self.body = response.status, response.read()
        self.headers = dict(response.getheaders())
        response.close()
        self.closes = self.headers.get("Connection") == "close"
        assert HEADERS.items() <= self.headers.items()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def say(port: int, text: str | bytes, method: str = "GET") -> Answer:
    """What comes back for these bytes; ``HOST`` in them is the server's own."""
    raw = text.encode() if isinstance(text, str) else text
    with connected(port) as link:
        link.sendall(raw.replace(b"HOST", b"127.0.0.1:%d" % port))
        answer = Answer(link, method)
        if answer.closes:
            assert link.recv(1) == b"", "nothing follows the last answer"
        return answer


def get(port: int, path: str = "/letters.txt", method: str = "GET", **fields: str) -> Answer:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    head = "\r\n".join([f"{method} {path} HTTP/1.1", "Host: HOST", *lines])
    return say(port, f"{head}\r\n\r\n", method)
