"""What a browser asks the guide's server for, parsed strictly: one request, its host, its range.

Nothing here opens a file or a connection: bytes come in, a ``Request`` or a ``Refused`` comes out.
What RFC 9110 and 9112 allow a server to tolerate (folded lines, a bare line feed, two hosts) is
refused, since two parties that read one connection must never differ about where a request ends.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import unquote

HEAD = 32 * 2**10  # bytes of a request: its first line, its header fields and the empty line
LINE = 8 * 2**10  # bytes of its first line
FIELDS = 100

_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~-]+)(?::([0-9]{1,5}))?")
_ABSOLUTE = re.compile(r"(?i:http)://([^/?#]*)([/?].*)?")
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_RANGE = re.compile(r"(?i:bytes)=[ \t]*([0-9]*)-([0-9]*)[ \t]*")


class Refused(Exception):
    """A request that isn't answered with a file: the status, and one sentence that says why.

    ``headers`` go out with the answer; the connection is closed after it.
    """

    def __init__(
        self, status: HTTPStatus, why: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(why)
        self.status, self.why, self.headers = status, why, headers


@dataclass(frozen=True)
class Request:
    """One request without a body. ``fields``: names in lower case, in the order they came."""

    method: str
    path: str  # as it was sent, still percent-encoded
    query: str  # with its question mark, or empty
    host: str  # the name or address it is addressed to, "" where HTTP/1.0 names none
    stays: bool  # whether the connection may be used again
    fields: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """The field's value, several joined by commas; None if it wasn't sent."""
        found = [value for each, value in self.fields if each == name]
        return ", ".join(found) if found else None


# ---------------------------------------------------------------- the head of a request


def head_end(received: bytes | bytearray) -> int | None:
    """Where the request at the start of ``received`` ends; None while more of it has to arrive.

    Bytes that can no longer become a request end at once, so that they are refused, not waited for.
    """
    if received and not received[:1].isalpha():  # TLS, say
        return len(received)
    end = received.find(b"\r\n\r\n")
    if 0 <= end <= HEAD - 4:
        return end + 4
    bare = received.find(b"\n\n")
    if bare >= 0:
        return bare + 2
    line = received.find(b"\n", 0, LINE)
    return len(received) if len(received) >= (HEAD if line >= 0 else LINE) else None


def read_request(head: bytes, hosts: Hosts) -> Request:
    """The request in ``head``. Raises ``Refused``."""
    if len(head) >= LINE and b"\r\n" not in head[: LINE + 2]:
        raise Refused(
            HTTPStatus.REQUEST_URI_TOO_LONG, f"The first line may have at most {LINE:,} bytes."
        )
    whole = head.endswith(b"\r\n\r\n")
    if len(head) > HEAD or (len(head) == HEAD and not whole):
        raise Refused(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"A request may have at most {HEAD:,} bytes.",
        )
    if not whole:
        raise Refused(HTTPStatus.BAD_REQUEST, "That is not an HTTP request.")
    first, *lines = head[:-4].split(b"\r\n")
    parts = _LINE.fullmatch(first)
    if parts is None:
        raise Refused(
            HTTPStatus.BAD_REQUEST, "The first line must be a method, an address and a version."
        )
    if parts[3] != b"1":
        raise Refused(
            HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "Only HTTP/1.0 and HTTP/1.1 are supported."
        )
    fields = _fields(lines)
    method, target = parts[1].decode(), parts[2].decode()
    if method not in ("GET", "HEAD"):
        raise Refused(
            HTTPStatus.METHOD_NOT_ALLOWED,
            "The guide is read-only: use GET or HEAD.",
            (("Allow", "GET, HEAD"),),
        )
    _refuse_body(fields)
    host, target = _host(fields, target, hosts, old=parts[4] == b"0")
    path, mark, query = target.partition("?")
    said = ",".join(value for name, value in fields if name == "connection").lower()
    stays = parts[4] != b"0" and "close" not in (word.strip() for word in said.split(","))
    return Request(method, path, mark + query, host, stays, fields)


def _fields(lines: list[bytes]) -> tuple[tuple[str, str], ...]:
    if len(lines) > FIELDS:
        raise Refused(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"A request may have at most {FIELDS} header fields, this one has {len(lines):,}.",
        )
    fields = []
    for number, line in enumerate(lines, 1):
        parts = _FIELD.fullmatch(line)
        if parts is None:
            raise Refused(
                HTTPStatus.BAD_REQUEST,
                f"Header field {number} must be a name, a colon and a value.",
            )
        fields.append((parts[1].decode().lower(), parts[2].decode("latin-1")))
    return tuple(fields)


def _refuse_body(fields: tuple[tuple[str, str], ...]) -> None:
    """What follows the head must be the next request, never a body that could be read as one."""
    if any(name == "transfer-encoding" for name, _ in fields):
        raise Refused(HTTPStatus.BAD_REQUEST, "A request for a page has no body.")
    lengths = [value for name, value in fields if name == "content-length"]
    if lengths and (len(lengths) > 1 or not re.fullmatch("[0-9]+", lengths[0])):
        raise Refused(HTTPStatus.BAD_REQUEST, "The length of the body is not a whole number.")
    if lengths and lengths[0].strip("0"):
        raise Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "A request for a page has no body: 0 bytes."
        )


def _host(
    fields: tuple[tuple[str, str], ...], target: str, hosts: Hosts, *, old: bool
) -> tuple[str, str]:
    """The host that the request is addressed to, and the target without it."""
    named = [value for name, value in fields if name == "host"]
    if len(named) > 1 or not (named or old):
        raise Refused(
            HTTPStatus.BAD_REQUEST, f"A request must name one host, this one names {len(named)}."
        )
    whole = _ABSOLUTE.fullmatch(target)
    if whole:
        named.append(whole[1])
        target = whole[2] or "/"
        target = target if target.startswith("/") else f"/{target}"
    elif not target.startswith("/"):
        raise Refused(HTTPStatus.BAD_REQUEST, "The address must begin with a slash.")
    for authority in named:
        hosts.check(authority)
    return named[-1] if named else "", target


# ---------------------------------------------------------------- hosts


class Hosts:
    """The names that a server answers to: its own, at whatever port they were forwarded from.

    A page from elsewhere can make its own name resolve to this machine (DNS rebinding), and a
    browser then lets it read what this server sends. But the browser says which name it asked for.

    ``asked``: what ``--host`` said; ``bound``: the address that it resolved to. A server that
    listens on every address of the machine answers to any numeric address, for such an address
    can't be made to resolve elsewhere, and to the machine's own name.
    """

    def __init__(self, asked: str, bound: str, port: int) -> None:
        own = ip_address(bound.partition("%")[0])
        self.everywhere = own.is_unspecified
        self.names = {"localhost", asked.lower().rstrip(".")}
        if self.everywhere:
            machine = socket.gethostname().lower()
            self.names |= {machine, f"{machine.partition('.')[0]}.local"}
        self.addresses = {ip_address("127.0.0.1"), ip_address("::1"), own}
        shown = "127.0.0.1" if self.everywhere else asked
        self.start = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"

    def check(self, authority: str) -> None:
        """Raises ``Refused`` if a request for ``authority`` isn't meant for this server."""
        parts = _AUTHORITY.fullmatch(authority)
        address = _address(parts[1].strip("[]")) if parts else None
        if (
            parts is None
            or int(parts[2] or 0) > 65535
            or (address is None and parts[1].startswith("["))
        ):
            raise Refused(
                HTTPStatus.BAD_REQUEST,
                "The host must be a name or an address, perhaps with a port.",
            )
        if address is None:
            ours = parts[1].lower().rstrip(".") in self.names
        else:
            ours = self.everywhere or address in self.addresses
        if not ours:
            raise Refused(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"The guide is at {self.start}, not at {authority}. To let others read it under "
                f"that name, start it with --host {parts[1].strip('[]')}.",
            )


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


# ---------------------------------------------------------------- versions and ranges


def unchanged(request: Request, tag: str) -> bool:
    """Whether the reader already has this very version (``If-None-Match``)."""
    said = request.get("if-none-match")
    if said is None:
        return False
    return said == "*" or tag in (each.removeprefix("W/") for each in _TAG.findall(said))


def other_version(request: Request, tag: str) -> bool:
    """Whether the reader wants a version other than this one, or nothing (``If-Match``)."""
    said = request.get("if-match")
    return said is not None and said != "*" and tag not in _TAG.findall(said)


def part(request: Request, size: int, tag: str) -> tuple[int, int] | None:
    """The first byte that is asked for, and the one after the last; None means the whole file.

    Several ranges at once, what isn't a range, and a range of an older version mean the whole file,
    as RFC 9110 allows or demands; so does a range in a HEAD. Raises ``Refused`` (416) for a range
    that lies beyond the end.
    """
    said = request.get("range")
    if said is None or request.method != "GET":
        return None
    version = request.get("if-range")
    parts = _RANGE.fullmatch(said)
    if parts is None or (version is not None and version != tag):
        return None
    first, last = (_number(text) for text in parts.groups())
    if first is None:
        if last is None or (last and not size):
            return None
        found = (max(0, size - last), size)
    else:
        if last is not None and last < first:
            return None
        found = (first, size if last is None else min(size, last + 1))
    if found[0] >= found[1]:
        raise Refused(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            f"The file has {size:,} bytes; {said} is outside it.",
            (("Content-Range", f"bytes */{size}"), ("Accept-Ranges", "bytes")),
        )
    return found


def _number(text: str) -> int | None:
    """The number, or one larger than any file; None if there is none."""
    digits = text.lstrip("0")
    return (int(digits or 0) if len(digits) < 19 else 10**18) if text else None


def shown(path: str) -> str:
    """A request's path for people to read, cut to fit on a line."""
    return unquote(path, errors="replace")[:200]


def _demo() -> None:
    hosts = Hosts("127.0.0.1", "127.0.0.1", 8042)
    for host in ("127.0.0.1:8042", "localhost:8042", "[::1]:8042", "guide.example:8042"):
        head = f"GET /about/?path=lessons HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        try:
            print(f"{host:<20} {read_request(head, hosts).path}")
        except Refused as refused:
            print(f"{host:<20} {refused.status.value}: {refused.why}")


if __name__ == "__main__":
    _demo()
