"""The guide's answers: which file a path refers to, and what is sent with it.

Every answer carries the policy in ``HEADERS``, and so does a refusal.
"""

from __future__ import annotations

import hashlib
import html
import os
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from io import BufferedReader
from pathlib import Path
from urllib.parse import unquote

from microgpt.cli.guide_http import Refused, Request, other_version, part, shown, unchanged

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
# Nothing is fetched from elsewhere, and no code runs that isn't a file of the site. The pages say
# the same in a <meta> of their own, for servers that don't send such a header.
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'"
)
HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    # A page that has its process to itself may share memory with its workers.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@dataclass
class Answer:
    """What is sent: ``content``, or the bytes of ``file`` from ``first`` to before ``end``."""

    status: HTTPStatus
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes = b""
    file: BufferedReader | None = None
    first: int = 0
    end: int = 0
    bare: bool = False  # a 304, or the answer to HEAD: no content follows the head
    stays: bool = True  # whether the connection may be used again

    @property
    def size(self) -> int:
        """Bytes of content, as the head states them."""
        return self.end - self.first if self.file else len(self.content)

    def head(self) -> bytes:
        """Status line and header fields, with the empty line."""
        fields = [
            ("Server", "microgpt"),
            ("Date", formatdate(usegmt=True)),
            *self.headers,
            *HEADERS.items(),
        ]
        if self.status != HTTPStatus.NOT_MODIFIED:
            fields.append(("Content-Length", str(self.size)))
        if not self.stays:
            fields.append(("Connection", "close"))
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}"]
        lines += [f"{name}: {value}" for name, value in fields]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def refusal(refused: Refused, *, bare: bool = False, stays: bool = False) -> Answer:
    """The answer to a request that is refused: a page of one sentence."""
    return Answer(
        refused.status,
        (*refused.headers, ("Content-Type", TYPES[".html"])),
        _page(refused.status.phrase, html.escape(refused.why)),
        bare=bare,
        stays=stays,
    )


class Files:
    """The files under one folder, whose path has no links in it."""

    def __init__(self, site: Path) -> None:
        self.site = site
        self._tags: dict[Path, tuple[tuple[int, int], str]] = {}

    def answer(self, request: Request) -> Answer:
        """What to send; if it holds an open file, the caller closes it."""
        bare = request.method == "HEAD"
        found = resolve(self.site, request.path)
        if found is not None and found.is_dir():
            where = f"{request.path.rsplit('/', 1)[-1]}/{request.query}"
            return Answer(
                HTTPStatus.MOVED_PERMANENTLY,
                (("Location", where),),
                bare=bare,
                stays=request.stays,
            )
        try:
            file = found.open("rb") if found else None
        except OSError:
            file = None
        if found is None or file is None:
            return Answer(
                HTTPStatus.NOT_FOUND,
                (("Content-Type", TYPES[".html"]),),
                _page(
                    "There is no page here",
                    f"{html.escape(shown(request.path))} is not in the guide. "
                    "<a href='/'>Go to its first page</a>.",
                ),
                bare=bare,
                stays=request.stays,
            )
        try:
            answer = self._version(request, found, file)
        except Refused as refused:
            answer = refusal(refused, bare=bare, stays=request.stays)
        except BaseException:
            file.close()
            raise
        if answer.file is None:
            file.close()
        answer.bare, answer.stays = answer.bare or bare, request.stays
        return answer

    def _version(self, request: Request, found: Path, file: BufferedReader) -> Answer:
        tag, size = self._tag(found, file)
        headers: tuple[tuple[str, str], ...] = (("ETag", tag), ("Accept-Ranges", "bytes"))
        if other_version(request, tag):
            raise Refused(
                HTTPStatus.PRECONDITION_FAILED, "The file is a different version.", headers
            )
        if unchanged(request, tag):
            return Answer(HTTPStatus.NOT_MODIFIED, headers, bare=True)
        headers += (("Content-Type", TYPES.get(found.suffix, "application/octet-stream")),)
        asked = part(request, size, tag)
        if asked is None:
            return Answer(HTTPStatus.OK, headers, file=file, end=size)
        first, end = asked
        headers += (("Content-Range", f"bytes {first}-{end - 1}/{size}"),)
        return Answer(HTTPStatus.PARTIAL_CONTENT, headers, file=file, first=first, end=end)

    def _tag(self, found: Path, file: BufferedReader) -> tuple[str, int]:
        """The version of a file as a tag, and its size in bytes.

        The tag is made from the content, for some installers give the files of every version the
        same date.
        """
        status = os.fstat(file.fileno())
        state = (status.st_mtime_ns, status.st_size)
        known = self._tags.get(found)
        if known is None or known[0] != state:
            known = state, f'"{hashlib.file_digest(file, "sha256").hexdigest()[:32]}"'
            self._tags[found] = known
        return known[1], status.st_size


def resolve(site: Path, path: str) -> Path | None:
    """The file that a request's path refers to; the folder itself if only its slash is missing.

    None for what doesn't exist, and for every path that leads, or on some system might lead, out
    of ``site``: dots, backslashes, drives, control characters, links that point elsewhere.
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


def _page(title: str, text: str) -> bytes:
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        f"<h1>{title}</h1><p>{text}</p></html>\n"
    ).encode()


def _demo() -> None:
    site = Path(__file__).resolve().parent
    for path in ("/guide_files.py", "/guide_files.py/", "/../errors.py", "/%2e%2e/errors.py"):
        print(f"{path:<20} {resolve(site, path)}")


if __name__ == "__main__":
    _demo()
