"""The guide's server, spoken to byte by byte: what it refuses, what it bounds, what it repeats."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import browser
from microgpt.cli import guide_http, guide_server
from microgpt.cli.guide_http import Hosts, Refused, head_end
from patience import PATIENCE, until
from server_asking import LETTERS, Answer, connected, get, running, say


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_bytes(b"<h1>start</h1>")
    (tmp_path / "letters.txt").write_bytes(LETTERS)
    (tmp_path / "empty.txt").touch()
    (tmp_path / "about").mkdir()
    (tmp_path / "about" / "index.html").write_bytes(b"<h1>about</h1>")
    return tmp_path.resolve()


@pytest.fixture
def port(site: Path) -> Iterator[int]:
    with browser.serving(site) as address:
        yield int(address.rstrip("/").rpartition(":")[2])


# ---------------------------------------------------------------- hosts


@pytest.mark.parametrize(
    "name", ["127.0.0.1", "localhost", "LocalHost", "localhost.", "[::1]", "[0:0:0:0:0:0:0:1]"]
)
def test_its_own_names_are_answered(port: int, name: str) -> None:
    assert say(port, f"GET / HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n").status == 200
    assert say(port, f"GET http://{name}:{port}/ HTTP/1.1\r\nHost: HOST\r\n\r\n").status == 200


@pytest.mark.parametrize(
    "name",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.2", "[::2]",
     "0.0.0.0", "2130706433", "127.1"],
)  # fmt: skip
def test_a_name_that_leads_here_from_elsewhere_is_refused(port: int, name: str) -> None:
    for head in (
        f"GET / HTTP/1.1\r\nHost: {name}:{port}",
        f"GET http://{name}:{port}/ HTTP/1.1\r\nHost: HOST",
        f"GET http://HOST/ HTTP/1.1\r\nHost: {name}:{port}",
        f"GET / HTTP/1.0\r\nHost: {name}:{port}",
    ):
        answer = say(port, f"{head}\r\n\r\n")
        assert (answer.status, answer.closes) == (421, True)
        assert f"The guide is at http://127.0.0.1:{port}/, not at {name}:{port}." in (
            answer.body.decode()
        )
        assert f"start it with --host {name.strip('[]')}." in answer.body.decode()


def test_a_forwarded_port_is_no_other_host(port: int) -> None:
    for host in ("127.0.0.1", "127.0.0.1:1", "localhost:9000"):
        assert say(port, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").status == 200


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1",
        "GET / HTTP/1.1\r\nHost: HOST\r\nHost: HOST",
        "GET / HTTP/1.1\r\nHost: HOST\r\nHost: evil.example",
        "GET / HTTP/1.1\r\nHost:",
        "GET / HTTP/1.1\r\nHost: user@HOST",
        "GET / HTTP/1.1\r\nHost: HOST/",
        "GET / HTTP/1.1\r\nHost: HOST, HOST",
        "GET / HTTP/1.1\r\nHost: localhost:99999",
        "GET / HTTP/1.1\r\nHost: [::x]:1",
        "GET http://user@HOST/ HTTP/1.1\r\nHost: HOST",
        "GET http:/// HTTP/1.1\r\nHost: HOST",
        "GET https://HOST/ HTTP/1.1\r\nHost: HOST",
        "GET http://HOST/ HTTP/1.1",
    ],
)
def test_one_host_must_be_named(port: int, head: str) -> None:
    assert say(port, f"{head}\r\n\r\n").status == 400


def test_http_1_0_needs_no_host(port: int) -> None:
    answer = say(port, "GET / HTTP/1.0\r\n\r\n")
    assert (answer.status, answer.closes, answer.body) == (200, True, b"<h1>start</h1>")


def test_what_was_asked_for_and_every_number_of_a_server_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guide_http.socket, "gethostname", lambda: "Desk.example")
    named = Hosts("Guide.Example", "192.0.2.1", 8042)
    for host in ("guide.example:8042", "192.0.2.1:8042", "localhost:8042", "guide.example"):
        named.check(host)
    for host in ("192.0.2.2:8042", "other.example:8042", "desk.example:8042"):
        with pytest.raises(Refused):
            named.check(host)
    for bound in ("0.0.0.0", "::"):
        everywhere = Hosts(bound, bound, 80)
        for host in ("192.0.2.7", "[2001:db8::1]:80", "localhost", "DESK.example", "desk.local"):
            everywhere.check(host)
        with pytest.raises(Refused, match=":80/, not at evil"):
            everywhere.check("evil.example")
    Hosts("fe80::1", "fe80::1%eth0", 80).check("[fe80::1]")


# ---------------------------------------------------------------- one request ends where it ends


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ("Content-Length: 47", 413),
        ("Content-Length: 007", 413),
        ("Transfer-Encoding: chunked", 400),
        ("Transfer-Encoding: identity\r\nContent-Length: 0", 400),
        ("Content-Length: 0\r\nContent-Length: 47", 400),
        ("Content-Length: 0, 47", 400),
        ("Content-Length: -1", 400),
        ("Content-Length: +0", 400),
        ("Content-Length : 47", 400),
        (" Content-Length: 47", 400),
        ("X: a\r\n Content-Length: 47", 400),
        ("X: a\nContent-Length: 47", 400),
        ("X: a\rContent-Length: 47", 400),
        ("X: a\0b", 400),
        ("no colon", 400),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_body_or_what_might_hide_one_ends_the_connection(
    port: int, method: str, fields: str, status: int
) -> None:
    hidden = "GET /about/ HTTP/1.1\r\nHost: HOST\r\n\r\n"
    answer = say(port, f"{method} / HTTP/1.1\r\nHost: HOST\r\n{fields}\r\n\r\n{hidden}", method)
    assert (answer.status, answer.closes) == (status, True)  # and say() sees that nothing follows
    assert b"about" not in answer.body


def test_a_body_of_no_bytes_is_none(port: int) -> None:
    answer = get(port, Content_Length="0")
    assert (answer.status, answer.closes, answer.body) == (200, False, LETTERS)


def test_requests_follow_each_other_on_one_connection(port: int) -> None:
    one = f"GET /letters.txt HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    with connected(port) as link:
        for _ in range(3):
            link.sendall(f"{one}\r\n".encode())
            assert Answer(link).body == LETTERS
        link.sendall(f"\r\n{one}\r\n{one}Connection: x, Close\r\n\r\n".encode())
        received = b"".join(iter(lambda: link.recv(9999), b""))
        assert received.count(LETTERS) == 2


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: HOST\n\n", 400),
        (b"GET /\xc3\xbc HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
        (b"GET / http/1.1\r\nHost: HOST\r\n\r\n", 400),
        (b"GET * HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\n", 505),
        (b"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 9\r\n\r\n123456789", 405),
        (b"GET /" + b"a" * guide_http.LINE, 414),
        (b"GET /" + b"a" * guide_http.LINE + b" HTTP/1.1\r\nHost: HOST\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: HOST\r\nX: " + b"a" * guide_http.HEAD, 431),
        (b"GET / HTTP/1.1\r\nHost: HOST\r\nX: " + b"a" * guide_http.HEAD + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: HOST\r\n" + b"X: a\r\n" * 100 + b"\r\n", 431),
    ],
    ids=repr,
)
def test_what_is_no_request_for_a_page_is_refused(port: int, text: bytes, status: int) -> None:
    answer = say(port, text)
    assert (answer.status, answer.closes) == (status, True)


def test_as_much_as_is_allowed_is_answered(port: int) -> None:
    many = {f"X{number}": "a" for number in range(guide_http.FIELDS - 1)}
    assert get(port, **many).status == 200
    assert get(port, "/" + "a" * (guide_http.LINE - len("GET / HTTP/1.1"))).status == 404
    short = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX: \r\n\r\n" % port
    full = short.replace(b"X: ", b"X: " + b"a" * (guide_http.HEAD - len(short)))
    assert len(full) == guide_http.HEAD
    assert say(port, full).status == 200


def test_a_request_ends_where_its_empty_line_ends() -> None:
    whole = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert [head_end(whole[:size]) for size in range(len(whole))] == [None] * len(whole)
    assert head_end(whole) == head_end(whole + whole) == len(whole)


# ---------------------------------------------------------------- parts and versions


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-4", (2, 5)),
        ("BYTES=2-4", (2, 5)),
        ("bytes=7-", (7, 10)),
        ("bytes=7-99", (7, 10)),
        ("bytes=0-99999999999999999999999", (0, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes=10-", None),
        ("bytes=99999999999999999999999-", None),
        ("bytes=-0", None),
    ],
)
def test_a_part_is_given_as_it_is_asked_for(
    port: int, said: str, expected: tuple[int, int] | None
) -> None:
    answer = get(port, Range=said)
    assert answer.headers["Accept-Ranges"] == "bytes" and not answer.closes
    if expected is None:
        assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */10")
    else:
        first, end = expected
        assert (answer.status, answer.body) == (206, LETTERS[first:end])
        assert answer.headers["Content-Range"] == f"bytes {first}-{end - 1}/10"
        assert answer.headers["Content-Length"] == str(end - first)
        assert answer.headers["ETag"] == get(port).headers["ETag"]


@pytest.mark.parametrize(
    "said", ["bytes=4-2", "bytes=-", "bytes=a-b", "bytes 0-1", "lines=0-1", "bytes=0-1,3-4", ""]
)
def test_what_is_no_single_part_means_the_whole(port: int, said: str) -> None:
    answer = get(port, Range=said)
    assert (answer.status, answer.body) == (200, LETTERS)
    assert "Content-Range" not in answer.headers


def test_only_get_has_parts(port: int) -> None:
    answer = get(port, method="HEAD", Range="bytes=0-1")
    assert (answer.status, answer.headers["Content-Length"], answer.body) == (200, "10", b"")
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_an_empty_file_has_no_parts(port: int) -> None:
    assert get(port, "/empty.txt", Range="bytes=0-").status == 416
    assert get(port, "/empty.txt", Range="bytes=-5").status == 200


def test_a_part_of_an_older_version_is_not_mixed_in(port: int, site: Path) -> None:
    tag = get(port).headers["ETag"]
    asked = {"Range": "bytes=1-2", "If_Range": tag}
    assert get(port, **asked).status == 206
    for other in (f"W/{tag}", '"other"', "Mon, 30 Nov 2026 00:00:00 GMT", f"{tag}, {tag}"):
        assert get(port, **{**asked, "If_Range": other}).status == 200
    (site / "letters.txt").write_bytes(LETTERS.upper() + b"!")
    answer = get(port, **asked)
    assert (answer.status, answer.body) == (200, LETTERS.upper() + b"!")
    assert answer.headers["ETag"] != tag


def test_what_the_reader_has_is_not_sent_again(port: int) -> None:
    tag = get(port).headers["ETag"]
    for said in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        for method in ("GET", "HEAD"):
            answer = get(port, method=method, If_None_Match=said, Range="bytes=0-1")
            assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", tag)
    assert get(port, If_None_Match='"other"').body == LETTERS
    assert get(port, "/gone", If_None_Match="*").status == 404
    assert get(port, If_Match=f'"other", {tag}').status == get(port, If_Match="*").status == 200
    assert get(port, If_Match=f"W/{tag}").status == 412


# ---------------------------------------------------------------- bounds


def test_a_page_of_many_files_loads_whole_beside_silent_connections(port: int) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(guide_server.WORKERS + 8):  # they cost no worker
            slow = stack.enter_context(connected(port))
            slow.sendall(b"GET /letters.txt HTT")
        links = [stack.enter_context(connected(port)) for _ in range(60)]
        for link in links:
            link.sendall(b"GET /letters.txt HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
        assert [Answer(link).body for link in links] == [LETTERS] * 60


def test_who_takes_too_long_to_ask_is_told(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guide_server, "READING", 0.0)
    answer = say(port, "GET / HTTP/1.1\r\nHost: ")
    assert (answer.status, answer.closes) == (408, True)


def test_who_says_nothing_is_left(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guide_server, "SILENT", 0.0)
    with connected(port) as link:
        assert link.recv(1) == b""


def test_who_doesnt_leave_is_left(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guide_server, "CLOSING", 0.0)
    with connected(port) as link:
        link.sendall(b"no request\r\n\r\n")
        assert Answer(link).status == 400
        assert link.recv(1) == b""


def test_a_reader_who_takes_nothing_frees_the_worker(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "large.bin").write_bytes(bytes(2**24))
    monkeypatch.setattr(guide_server, "SENDING", 0.01)
    monkeypatch.setattr(guide_server, "SLOWEST", 2**40)
    with guide_server.make_server(site, "127.0.0.1", 0) as server, running(server):
        with connected(server.server_port) as link:
            link.sendall(b"GET /large.bin HTTP/1.0\r\n\r\n")
            until(lambda: server._busy.total() == 1 or server._connections, "it is sending")
            until(lambda: not server._connections, "the connection is given up")
        assert get(server.server_port).status == 200


@pytest.mark.parametrize("limit", ["CONNECTIONS", "CONNECTIONS_OF_ONE"])
def test_the_longest_silent_connection_makes_room(
    port: int, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guide_server, limit, 3)
    with contextlib.ExitStack() as stack:
        links = [stack.enter_context(connected(port)) for _ in range(4)]
        assert links[0].recv(1) == b""
        for link in links[1:]:
            link.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
            assert Answer(link).status == 200


@pytest.mark.parametrize("limit", ["CONNECTIONS", "CONNECTIONS_OF_ONE"])
def test_slow_requests_hold_up_nobody(
    site: Path, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guide_server, limit, 2)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(guide_server.make_server(site, "127.0.0.1", 0))
        stack.enter_context(running(server))
        port = server.server_port
        slow = [stack.enter_context(connected(port)) for _ in range(2)]
        for number, link in enumerate(slow, 1):
            link.sendall(b"GET / HTTP")
            until(lambda n=number: asking(server) == n, "it is read")  # type: ignore[misc]
        assert get(port).status == 200
        assert slow[0].recv(1) == b"", "the slowest makes room"
        slow[1].sendall(b"/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
        assert Answer(slow[1]).status == 200


def asking(server: guide_server.GuideServer) -> int:
    return sum(bool(each.received) for each in list(server._connections))


@pytest.mark.parametrize("limit", ["CONNECTIONS", "CONNECTIONS_OF_ONE"])
def test_where_all_are_being_answered_the_next_one_is_told(
    site: Path, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guide_server, limit, 2)
    gate, send = threading.Event(), guide_server.send

    def held(link: socket.socket, answer: object) -> None:
        gate.wait(PATIENCE)
        send(link, answer)  # type: ignore[arg-type]

    monkeypatch.setattr(guide_server, "send", held)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(guide_server.make_server(site, "127.0.0.1", 0))
        stack.enter_context(running(server))
        port = server.server_port
        links = [stack.enter_context(connected(port)) for _ in range(2)]
        for link in links:
            link.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
        until(lambda: server._busy.total() == 2, "both are being answered")
        answer = Answer(stack.enter_context(connected(port)))
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        gate.set()
        assert [Answer(link).status for link in links] == [200] * 2


def test_threads_are_bounded_and_the_others_wait(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guide_server, "WORKERS", 3)
    gate, most = threading.Event(), [0, 0]
    lock = threading.Lock()
    send = guide_server.send

    def held(link: socket.socket, answer: object) -> None:
        with lock:
            most[0] += 1
            most[1] = max(most)
        gate.wait(PATIENCE)
        send(link, answer)  # type: ignore[arg-type]
        with lock:
            most[0] -= 1

    monkeypatch.setattr(guide_server, "send", held)
    with guide_server.make_server(site, "127.0.0.1", 0) as server, running(server):
        port = server.server_port
        with contextlib.ExitStack() as stack:
            links = [stack.enter_context(connected(port)) for _ in range(8)]
            for link in links:
                link.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
            until(lambda: len(server._ready) == 5 and most[0] == 3, "three work and five wait")
            gate.set()
            assert [Answer(link).status for link in links] == [200] * 8
    assert most[1] == 3


def test_no_reader_takes_every_worker(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guide_server, "WORKERS_OF_ONE", 0)
    with (
        guide_server.make_server(site, "127.0.0.1", 0) as server,
        running(server),
        connected(server.server_port) as link,
    ):
        link.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.server_port)
        until(lambda: len(server._ready) == 1, "it waits for a worker of its own")
        monkeypatch.setattr(guide_server, "WORKERS_OF_ONE", 1)
        assert Answer(link).status == 200


def test_a_flood_is_slowed_and_a_page_is_not(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = guide_server.Rates()
    assert all(rates.take("a", 0.0) for _ in range(guide_server.BURST))
    assert not rates.take("a", 0.0)
    assert rates.take("b", 0.0), "another reader is not concerned"
    assert sum(rates.take("a", 1.0) for _ in range(9999)) == guide_server.RATE
    assert sum(rates.take("a", 1e6) for _ in range(9999)) == guide_server.BURST
    for number in range(9999):
        rates.take(str(number), 0.0)
    assert len(rates._left) <= guide_server.CONNECTIONS
    monkeypatch.setattr(guide_server, "BURST", 0)
    answer = get(port)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "1")


def test_a_network_of_a_household_is_one_reader() -> None:
    assert guide_server.reader_of("192.0.2.1") == "192.0.2.1"
    assert guide_server.reader_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert guide_server.reader_of("2001:db8::1") == guide_server.reader_of("2001:db8::2")
    assert guide_server.reader_of("fe80::1%eth0") == "fe80::/64"


def test_without_threads_it_answers_when_there_is_one_again(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = [RuntimeError("can't start new thread")] * 2
    start = threading.Thread.start

    def sometimes(thread: threading.Thread) -> None:
        if refusals:
            raise refusals.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", sometimes)
    assert get(port).body == LETTERS


def test_a_mistake_of_ours_ends_one_connection_and_no_more(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()  # the worker tells it after it has let go of the connection
    monkeypatch.setattr(guide_server.threading, "excepthook", lambda _: told.set())
    with monkeypatch.context() as broken, connected(port) as link:
        broken.setattr(guide_server, "read_request", lambda *_: 1 / 0)
        link.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert link.recv(1) == b""
        assert told.wait(PATIENCE)
    assert get(port).body == LETTERS
