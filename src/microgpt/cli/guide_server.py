"""The guide's server: connections, and the limits that nobody who connects can push it past.

One thread reads requests from all connections, so that a reader who connects and sends nothing, or
sends it slowly, costs a few bytes and no thread. A whole request goes to one of at most ``WORKERS``
threads, which sends the answer; the others wait their turn. When there are too many connections,
the one that has been silent longest makes room.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from pathlib import Path
from types import TracebackType

from microgpt.cli.guide_files import Answer, Files, refusal
from microgpt.cli.guide_http import Hosts, Refused, head_end, read_request
from microgpt.errors import InputError

PORT = 8042  # tried first: at the same port, a reader's links and settings stay valid
WORKERS = 32  # answers sent at once
WORKERS_OF_ONE = 24  # of these for one reader, so that nobody takes them all
CONNECTIONS = 256  # Windows can't look at more than 512 at once
CONNECTIONS_OF_ONE = 128  # a browser opens 6
BURST, RATE = 4000, 400  # requests from one reader at once, and per second from then on
SILENT = 60.0  # seconds that a connection may be silent
READING = 10.0  # seconds that a request may take to arrive
SENDING = 60.0  # seconds that an answer may take, plus one for every SLOWEST bytes
SLOWEST = 32 * 2**10
CLOSING = 2.0  # seconds for the reader to take the last answer
PIECE = 64 * 2**10


def make_server(site: Path, host: str, port: int) -> GuideServer:
    """A server for the files under ``site``, bound but not yet serving.

    ``port``: -1 picks the usual one, or a free one if that is in use; 0 picks a free one.
    """
    for number in (PORT, 0) if port == -1 else (port,):
        try:
            return GuideServer(_listen(host, number), Files(site.resolve()), host)
        except (OSError, OverflowError) as error:
            if number == PORT and port == -1:
                continue
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InputError(
                f"Can't listen on {host} port {number}: {reason or error}.",
                "Name another with --port, or leave it out to get a free one.",
            ) from None
    raise AssertionError("port 0 is always tried last")


def _listen(host: str, port: int) -> socket.socket:
    if ":" not in host:
        return socket.create_server((host, port), backlog=CONNECTIONS)
    both = host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(
        (host, port), family=socket.AF_INET6, backlog=CONNECTIONS, dualstack_ipv6=both
    )


class Rates:
    """How many requests each reader may still make: ``BURST`` at once, ``RATE`` per second."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, reader: str, now: float) -> bool:
        """Whether one more is allowed at ``now`` (seconds on any clock that only goes forward)."""
        left, since = self._left.pop(reader, (float(BURST), now))
        left = min(BURST, left + (now - since) * RATE)
        self._left[reader] = max(0.0, left - 1), now  # the last in line
        if len(self._left) > CONNECTIONS:
            del self._left[next(iter(self._left))]
        return left >= 1


@dataclass(eq=False)
class Connection:
    """One reader's connection. ``until``: when the loop gives up waiting for it."""

    link: socket.socket
    reader: str
    until: float
    received: bytearray = field(default_factory=bytearray)
    working: bool = False  # the loop leaves it alone: a worker has it, or will have it
    closing: bool = False  # everything is sent; whatever still arrives is discarded
    lost: bool = False  # an answer couldn't be sent

    @property
    def silent(self) -> bool:
        """Nothing has been asked yet, or everything has been answered."""
        return not (self.received or self.working or self.closing)


class GuideServer:
    """Serves ``files`` on a socket that is already listening. Use it in a ``with`` block."""

    def __init__(self, listener: socket.socket, files: Files, asked: str) -> None:
        listener.setblocking(False)
        address, self.server_port = listener.getsockname()[:2]
        self.hosts = Hosts(asked, address, self.server_port)
        self._listener, self._files = listener, files
        self._rates = Rates()
        self._connections: set[Connection] = set()  # all the open ones
        self._ready: deque[tuple[Connection, bytes | Refused]] = deque()  # for the next workers
        self._busy: Counter[str] = Counter()  # how many workers serve each reader
        self._done: deque[Connection] = deque()  # from the workers, back to the loop
        self._alarm, self._waker = socket.socketpair()
        for end in (self._alarm, self._waker):
            end.setblocking(False)
        self._watch = selectors.DefaultSelector()
        self._watch.register(listener, selectors.EVENT_READ)
        self._watch.register(self._alarm, selectors.EVENT_READ)
        self._stopping = False
        self._stopped = threading.Event()

    def __enter__(self) -> GuideServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every connection and free the port."""
        for connection in [*self._connections]:
            connection.link.close()
        for each in (self._listener, self._alarm, self._waker):
            each.close()
        self._watch.close()

    def shutdown(self) -> None:
        """Make ``serve_forever``, which another thread runs, return; waits until it does."""
        self._stopping = True
        self._wake()
        self._stopped.wait()

    def serve_forever(self, poll: float = 1.0) -> None:
        """Answer until ``shutdown``. Every ``poll`` seconds, looks for what takes too long."""
        try:
            while not self._stopping:
                for key, _ in self._watch.select(poll):
                    if key.fileobj is self._listener:
                        self._accept()
                    elif key.fileobj is self._alarm:
                        with contextlib.suppress(BlockingIOError):
                            self._alarm.recv(PIECE)
                    elif key.data in self._connections:
                        self._read(key.data)
                while self._done:
                    self._take_back(self._done.popleft())
                self._end_late()
                self._hand_out()
        finally:
            self._stopped.set()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it will wake anyway; closed: nobody is there
            self._waker.send(b"\0")

    # ------------------------------------------------------------ the loop

    def _accept(self) -> None:
        while True:
            try:
                link, address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError:  # the reader has already left, or this process can open no more files
                if not self._make_room():
                    time.sleep(0.05)
                return
            link.setblocking(False)
            connection = Connection(link, reader_of(address[0]), time.monotonic() + SILENT)
            of_one = sum(each.reader == connection.reader for each in self._connections)
            if (of_one >= CONNECTIONS_OF_ONE and not self._make_room(connection.reader)) or (
                len(self._connections) >= CONNECTIONS and not self._make_room()
            ):
                self._turn_away(link)
                continue
            self._connections.add(connection)
            self._watch.register(link, selectors.EVENT_READ, connection)

    def _make_room(self, reader: str | None = None) -> bool:
        """Close the connection that has been silent longest, of one reader or of all.

        If none is silent, the one goes that has been sending its request longest: a reader who
        sends a byte now and then holds nobody up.
        """
        waiting = [
            each
            for each in self._connections
            if not (each.working or each.closing) and reader in (None, each.reader)
        ]
        if waiting:
            self._close(min(waiting, key=lambda each: (not each.silent, each.until)))
        return bool(waiting)

    def _turn_away(self, link: socket.socket) -> None:
        busy = Refused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "Too many readers at once. Try again in a moment.",
            (("Retry-After", "1"),),
        )
        answer = refusal(busy)
        with link, contextlib.suppress(OSError):
            with contextlib.suppress(BlockingIOError):
                link.recv(PIECE)  # else the answer would be lost along with what is still unread
            link.send(answer.head() + answer.content)
            link.shutdown(socket.SHUT_WR)

    def _read(self, connection: Connection) -> None:
        try:
            received = connection.link.recv(PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            received = b""
        if not received:
            self._close(connection)
        elif not connection.closing:  # else nobody wants what it says any more
            if not connection.received:
                connection.until = time.monotonic() + READING
            connection.received += received
            self._look(connection)

    def _look(self, connection: Connection) -> None:
        """Give a whole request to the workers."""
        while connection.received.startswith(b"\r\n"):  # some browsers send one too many
            del connection.received[:2]
        end = head_end(connection.received)
        if end is not None:
            head = bytes(connection.received[:end])
            del connection.received[:end]
            allowed = self._rates.take(connection.reader, time.monotonic())
            self._give(connection, head if allowed else too_many())

    def _give(self, connection: Connection, what: bytes | Refused) -> None:
        self._watch.unregister(connection.link)
        connection.working = True
        self._ready.append((connection, what))

    def _take_back(self, connection: Connection) -> None:
        """Take back a connection whose answer is sent: to read its next request, or to close it."""
        self._busy[connection.reader] -= 1
        connection.working = False
        if connection.lost:
            self._close(connection)
            return
        now = time.monotonic()
        try:
            connection.link.setblocking(False)
            if connection.closing:
                connection.link.shutdown(socket.SHUT_WR)
            self._watch.register(connection.link, selectors.EVENT_READ, connection)
        except (OSError, ValueError):
            self._close(connection)
            return
        if connection.closing:
            connection.until = now + CLOSING
        else:
            connection.until = now + (READING if connection.received else SILENT)
            self._look(connection)

    def _end_late(self) -> None:
        now = time.monotonic()
        for key in [*self._watch.get_map().values()]:
            connection = key.data
            if connection is None or connection.until > now:
                continue
            if connection.silent or connection.closing:
                self._close(connection)
            else:
                self._give(
                    connection,
                    Refused(
                        HTTPStatus.REQUEST_TIMEOUT,
                        f"The request took more than {READING:g} seconds to arrive.",
                    ),
                )

    def _close(self, connection: Connection) -> None:
        self._connections.discard(connection)
        with contextlib.suppress(KeyError, ValueError):
            self._watch.unregister(connection.link)
        connection.link.close()

    # ------------------------------------------------------------ the workers

    def _hand_out(self) -> None:
        """Start workers for whole requests, in the order they came, as many as are allowed."""
        later: deque[tuple[Connection, bytes | Refused]] = deque()
        while self._ready and self._busy.total() < WORKERS:
            connection, what = self._ready.popleft()
            if self._busy[connection.reader] >= WORKERS_OF_ONE:
                later.append((connection, what))
                continue
            worker = threading.Thread(target=self._work, args=(connection, what), daemon=True)
            try:
                worker.start()
            except RuntimeError:  # the system has no more threads: wait until one has ended
                later.append((connection, what))
                break
            self._busy[connection.reader] += 1
        self._ready.extendleft(reversed(later))
        self._busy = +self._busy  # readers without workers are forgotten

    def _work(self, connection: Connection, what: bytes | Refused) -> None:
        connection.lost = True
        try:
            answer = self._answer(what)
            send(connection.link, answer)
            connection.closing, connection.lost = not answer.stays, False
        except OSError:
            pass  # a reader who leaves while a page is loading is no error
        finally:
            self._done.append(connection)
            self._wake()

    def _answer(self, what: bytes | Refused) -> Answer:
        if isinstance(what, Refused):
            return refusal(what)
        try:
            return self._files.answer(read_request(what, self.hosts))
        except Refused as refused:
            return refusal(refused, bare=what.startswith(b"HEAD "))


def too_many() -> Refused:
    """Why a request that came too soon after thousands of others is refused."""
    return Refused(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"More than {BURST:,} requests, and more than {RATE} per second. Try again in a second.",
        (("Retry-After", "1"),),
    )


def send(link: socket.socket, answer: Answer) -> None:
    """Send an answer, and close its file. Raises ``OSError`` where it can't be sent in time."""
    until = time.monotonic() + SENDING + answer.size / SLOWEST

    def put(data: bytes) -> None:
        link.settimeout(max(0.001, until - time.monotonic()))
        link.sendall(data)

    with contextlib.ExitStack() as stack:
        if answer.file:
            stack.enter_context(answer.file)
        if answer.bare or answer.file is None:
            put(answer.head() + (b"" if answer.bare else answer.content))
            return
        answer.file.seek(answer.first)
        left, before = answer.size, answer.head()
        while left or before:
            data = answer.file.read(min(left, PIECE))
            if left and not data:
                raise OSError("the file became shorter while it was being sent")
            put(before + data)
            left, before = left - len(data), b""


def reader_of(address: str) -> str:
    """Who the reader is, as far as an address shows: in IPv6, a household's network is one."""
    numbers = ip_address(address.partition("%")[0])
    if numbers.version == 4:
        return str(numbers)
    if numbers.ipv4_mapped:
        return str(numbers.ipv4_mapped)
    return str(ip_network((numbers, 64), strict=False))
