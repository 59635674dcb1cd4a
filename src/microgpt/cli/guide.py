"""``microgpt guide``: the guide's site, served on this machine or written out for another."""

from __future__ import annotations

import contextlib
import html
import io
import os
import shutil
import socket
import threading
import webbrowser
import zipfile
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Annotated, Any
from urllib.parse import unquote

from cyclopts import Parameter

from microgpt.calling import python
from microgpt.errors import FileError, InputError, MissingError
from microgpt.files import file_error, write_atomic
from microgpt.leftovers import hidden_folder

PORT = 8042  # the one tried first: with it a reader's links and settings stay valid
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".py": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
# Nothing is fetched from elsewhere, no code runs that isn't a file of the site. The pages say the
# same in a <meta> of their own, for servers that send no such header.
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'"
)
HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    # Alone in its process, a page may share memory with its workers.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def guide(
    *,
    port: Annotated[int, Parameter(help=f"Port; 0 takes a free one. [{PORT}, or a free one]")] = -1,
    host: Annotated[str, Parameter(help="Address to listen on.")] = "127.0.0.1",
    open: Annotated[bool, Parameter(help="Open it in the browser.", name="--open")] = True,
    export: Annotated[
        Path | None, Parameter(help="Write the site to this new folder or .zip and end.")
    ] = None,
) -> None:
    """Serve the guide on this machine until Ctrl-C, or write it out for another server.

    The guide needs no network: everything it shows is in the package and runs in the page.
    """
    site = find_site()
    if export is not None:
        print(f"wrote {export}: {export_site(site, export)}")
        return
    if not -1 <= port <= 65535:
        raise InputError(f"--port is {port}, must be 0 to 65535.")
    server = make_server(site, host, port)
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{server.server_port}/"
    with server, contextlib.suppress(KeyboardInterrupt):
        print(f"the guide is at {address}   (Ctrl-C ends it)", flush=True)
        if open:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        server.serve_forever()


def find_site() -> Path:
    """The built site: in an installed wheel, else in the checkout.

    Raises ``MissingError`` with the line that builds it.
    """
    package = Path(__file__).resolve().parent.parent
    for root in (package / "share", package.parent.parent):
        if (root / "guide" / "site" / "index.html").is_file():
            return root / "guide" / "site"
    raise MissingError(
        "The guide's site isn't built here.",
        f"In a checkout of microgpt: {python('scripts/dev.py', 'guide')}",
    )


# ---------------------------------------------------------------- serving


def make_server(site: Path, host: str, port: int) -> ThreadingHTTPServer:
    """A server for the files under ``site``, bound but not yet serving.

    ``port``: -1 takes the usual one, or a free one where that is taken; 0 takes a free one.
    """
    handler = partial(Handler, site.resolve())
    family = _Server6 if ":" in host else _Server
    for number in (PORT, 0) if port == -1 else (port,):
        try:
            return family((host, number), handler)
        except (OSError, OverflowError) as error:
            if number == PORT and port == -1:
                continue
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InputError(
                f"Can't listen on {host} port {number}: {reason or error}.",
                "Name another with --port, or leave it out to take a free one.",
            ) from None
    raise AssertionError("port 0 is always tried last")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Windows would let two programs listen on one port.
    allow_reuse_address = os.name != "nt"

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's would ask the network for this machine's name
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader who leaves while a page is loading is no error."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD with files of one folder, and with nothing from outside it."""

    protocol_version = "HTTP/1.1"
    server_version = "microgpt"
    sys_version = ""
    timeout = 60  # seconds that a silent connection is kept

    def __init__(self, site: Path, *arguments: Any) -> None:
        self.site = site
        super().__init__(*arguments)

    def do_GET(self) -> None:  # noqa: D102
        self._answer(body=True)

    def do_HEAD(self) -> None:  # noqa: D102
        self._answer(body=False)

    def _answer(self, body: bool) -> None:
        path, mark, query = self.path.partition("?")
        found = resolve(self.site, path)
        if found is None:
            self._send(HTTPStatus.NOT_FOUND, TYPES[".html"], _not_found(path), body)
        elif found.is_dir():
            self.send_response(HTTPStatus.MOVED_PERMANENTLY)
            self.send_header("Location", f"{path.rsplit('/', 1)[-1]}/{mark}{query}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            try:
                data = found.read_bytes()
            except OSError:
                self._send(HTTPStatus.NOT_FOUND, TYPES[".html"], _not_found(path), body)
            else:
                kind = TYPES.get(found.suffix, "application/octet-stream")
                self._send(HTTPStatus.OK, kind, data, body)

    def _send(self, status: HTTPStatus, kind: str, data: bytes, body: bool) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)

    def end_headers(self) -> None:
        """Every answer carries the policy, an error's too."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing: the terminal shows the address, and that is all the reader needs."""


def resolve(site: Path, path: str) -> Path | None:
    """The file that a request's path means; the folder itself where only its slash is missing.

    None for what isn't there, and for every path that leads, or might lead on some system, out of
    ``site``: dots, backslashes, drives, control characters, links that point elsewhere.
    """
    text = unquote(path, errors="replace")
    parts = text.split("/")[1:]
    if not text.startswith("/") or any(
        part in (".", "..") or set(part) & set('\\:*?"<>|') or not part.isprintable()
        for part in parts
    ):
        return None
    found = site.joinpath(*filter(None, parts))
    try:
        if found.is_dir():
            if not text.endswith("/"):
                return found
            found = found / "index.html"
        elif text.endswith("/"):
            return None
        inside = found.resolve().is_relative_to(site)
        return found if found.is_file() and inside else None
    except OSError:  # a name that the file system refuses
        return None


def _not_found(path: str) -> bytes:
    shown = html.escape(unquote(path, errors="replace")[:200])
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Not here</title>"
        f"<h1>There is no page here</h1><p>{shown} is not in the guide. "
        "<a href='/'>Go to its start</a>.</p></html>"
    ).encode()


# ---------------------------------------------------------------- writing it out


def export_site(site: Path, target: Path) -> str:
    """Write the site to a new folder or a .zip; returns how many files and bytes.

    The addresses in it are relative: it works at any place of any server.
    """
    files = sorted(path for path in site.rglob("*") if path.is_file())
    if target.suffix.lower() == ".zip":
        if target.exists():
            raise FileError(f"{target} is there already.", "Name another file for --export.")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                # One date for all: the same site makes the same file.
                entry = zipfile.ZipInfo(path.relative_to(site).as_posix(), (1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())
        write_atomic(target, packed.getvalue())
        return f"{len(files)} files, {len(packed.getvalue()):,} bytes"
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise FileError(f"{target} is there already.", "Name a new folder for --export.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with hidden_folder(target) as folder:
            whole = folder / "site"
            shutil.copytree(site, whole, copy_function=shutil.copyfile)
            if target.exists():
                target.rmdir()
            whole.rename(target)
    except OSError as error:
        raise file_error(error, target, "write") from None
    return f"{len(files)} files, {sum(path.stat().st_size for path in files):,} bytes"


def _demo() -> None:
    for path in ("/", "/about", "/js/kernel.wasm", "/../secret", "/%2e%2e/secret", "/about/\\x"):
        with contextlib.suppress(MissingError):
            found = resolve(find_site(), path)
            print(f"{path:<18} {found.name if found else None}")


if __name__ == "__main__":
    _demo()
