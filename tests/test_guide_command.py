"""`microgpt guide`: what its server gives out and what it refuses, and the exported site."""

import http.client
import os
import re
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import browser
from cli_runner import COMMAND, ok, refused
from microgpt.calling import python
from microgpt.cli import guide, guide_files, guide_server
from patience import PATIENCE

SECRET = "not for the reader"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A small site with a neighbour that must not be reached."""
    root = tmp_path / "guide" / "site"
    for name, text in {
        "index.html": "<h1>start</h1>",
        "about/index.html": "<h1>about</h1>",
        "js/kernel.wasm": "\0asm",
        "js/main.js": "export {};",
        "js/part.mjs": "export {};",
        "files/train0.py": "print()",
        "odd name ü.txt": "odd",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    (root.parent / "secret.txt").write_text(SECRET)
    return root.resolve()


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    with browser.serving(site) as address:
        yield address


def ask(address: str, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """One request, its path sent as it stands."""
    link = http.client.HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)
    try:
        link.putrequest(method, path, skip_host=False)
        link.endheaders()
        answer = link.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        link.close()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/about/", "text/html; charset=utf-8"),
        ("/about/?present=2", "text/html; charset=utf-8"),
        ("/js/main.js", "text/javascript; charset=utf-8"),
        ("/js/part.mjs", "text/javascript; charset=utf-8"),
        ("/js/kernel.wasm", "application/wasm"),
        ("/files/train0.py", "text/plain; charset=utf-8"),
        ("/odd%20name%20%C3%BC.txt", "text/plain; charset=utf-8"),
    ],
)
def test_files_come_with_their_type_and_the_policy(served: str, path: str, kind: str) -> None:
    status, headers, body = ask(served, path)
    assert (status, headers["Content-Type"]) == (200, kind)
    assert int(headers["Content-Length"]) == len(body) > 0
    assert headers["Content-Security-Policy"].startswith(guide_files.POLICY)
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert headers["X-Content-Type-Options"] == "nosniff"
    status, again, nothing = ask(served, path, "HEAD")
    assert (status, again["Content-Length"], nothing) == (200, headers["Content-Length"], b"")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/../../guide/secret.txt",
        "/%2e%2e/secret.txt",
        "/about/..%2f..%2f..%2fsecret.txt",
        "/about/%2e%2e/%2e%2e/secret.txt",
        "/..%5csecret.txt",
        "/\\..\\secret.txt",
        "//../secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/%252e%252e/secret.txt",
        "/about/index.html%00.txt",
        "/C:/secret.txt",
        "/index.html/",
        "/about/index.html/x",
        "/gone",
        "/" + "a" * 5000,
        "secret.txt",
        "*",
    ],
)
def test_nothing_else_is_given_out(served: str, path: str) -> None:
    status, headers, body = ask(served, path)
    assert status in (400, 404)
    assert SECRET.encode() not in body
    if status == 404:
        assert "Content-Security-Policy" in headers


def test_a_link_out_of_the_site_is_not_followed(served: str, site: Path) -> None:
    try:
        (site / "way-out.txt").symlink_to(site.parent / "secret.txt")
    except OSError:
        pytest.skip("this system makes no symbolic links")
    assert ask(served, "/way-out.txt")[0] == 404


def test_what_is_asked_for_is_not_repeated_as_markup(served: str) -> None:
    _, _, body = ask(served, "/%3Cscript%3Ealert(1)%3C/script%3E")
    assert b"<script>" not in body and b"&lt;script&gt;" in body


def test_a_folder_without_its_slash_moves_on(served: str) -> None:
    status, headers, _ = ask(served, "/about?path=lessons")
    assert (status, headers["Location"]) == (301, "about/?path=lessons")


def test_other_methods_are_refused(served: str) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"):
        status, headers, _ = ask(served, "/", method)
        assert (status, headers["Allow"]) == (405, "GET, HEAD")
        assert headers["Content-Security-Policy"].startswith(guide_files.POLICY)


def test_a_taken_port_is_told(site: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(guide.InputError, match=f"Can't listen on 127.0.0.1 port {port}") as e:
            guide.make_server(site, "127.0.0.1", port)
        assert "--port" in e.value.remedy


def test_without_a_port_a_free_one_is_taken(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(guide_server, "PORT", taken.getsockname()[1])
        with guide.make_server(site, "127.0.0.1", -1) as server:
            assert server.server_port not in (0, guide_server.PORT)


def test_mistakes_are_told_with_a_remedy(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guide, "find_site", lambda: site)
    assert "--port is 70000, must be from 0 to 65535." in refused(2, "guide", "--port", 70000)
    assert "must be a whole number" in refused(2, "guide", "--port", "eighty")
    assert "Can't listen on" in refused(2, "guide", "--host", "no.such.host.invalid", "--no-open")


def test_a_site_that_is_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a checkout the line that builds it, from any folder; elsewhere there is no such script."""
    root = tmp_path / "my checkout"
    monkeypatch.setattr(guide, "__file__", str(root / "src" / "microgpt" / "cli" / "guide.py"))
    message = refused(5, "guide")
    assert "This installation doesn't include the guide: it was made from the sources" in message
    assert "Install microgpt from a wheel" in message
    (root / "scripts").mkdir(parents=True)
    (root / "scripts" / "dev.py").touch()
    for folder, script in ((root, Path("scripts", "dev.py")), (tmp_path, None)):
        monkeypatch.chdir(folder)
        message = refused(5, "guide")
        assert "The guide's pages aren't built in this checkout yet." in message
        script = script or Path("my checkout", "scripts", "dev.py")
        assert python(script, "guide") in message


def test_export(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guide, "find_site", lambda: site)
    monkeypatch.chdir(tmp_path)
    names = sorted(p.relative_to(site).as_posix() for p in site.rglob("*") if p.is_file())

    said = ok("guide", "--export", "out/guide").out
    assert said.startswith(f"wrote {Path('out/guide')}: {len(names)} files, ")
    folder = tmp_path / "out" / "guide"
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == (
        names
    )  # fmt: skip
    assert "already exists" in refused(3, "guide", "--export", "out/guide")
    (tmp_path / "empty").mkdir()
    ok("guide", "--export", "empty")

    ok("guide", "--export", "guide.zip")
    with zipfile.ZipFile(tmp_path / "guide.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == names
        assert archive.read("js/kernel.wasm") == b"\0asm"
    assert "already exists" in refused(3, "guide", "--export", "guide.zip")
    ok("guide", "--export", "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "guide.zip").read_bytes()
    assert not [p for p in (tmp_path / "out").iterdir() if p.name != "guide"]


def test_an_exported_folder_is_on_the_disk_before_it_takes_its_name(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    named: list[int] = []  # how many syncs came before the rename
    fsync, rename = os.fsync, Path.rename

    def note(fd: int) -> None:
        synced.append(os.fstat(fd).st_ino)
        fsync(fd)

    def renamed(path: Path, target: Path) -> Path:
        named.append(len(synced))
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(Path, "rename", renamed)
    target = tmp_path / "made" / "out" / "guide"
    guide.export_site(site, target)

    def unsynced(paths: list[Path], numbers: list[int]) -> list[Path]:
        folders = sys.platform != "win32"  # there a folder can't be synced
        return [
            path
            for path in paths
            if (folders or path.is_file()) and path.stat().st_ino not in numbers
        ]

    (before,) = named
    assert not unsynced([target, *target.rglob("*")], synced[:before])
    assert not unsynced([tmp_path, tmp_path / "made"], synced[:before])
    assert not unsynced([target.parent], synced[before:])


def test_the_command_serves_until_it_is_stopped(tmp_path: Path) -> None:
    try:
        guide.find_site()
    except guide.MissingError:
        pytest.skip("the guide's site isn't built here")
    with subprocess.Popen(
        [*COMMAND, "guide", "--port", "0", "--no-open"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
        assert address is not None
        assert ask(address[0], "/")[0] == 200
        if sys.platform == "win32":
            process.terminate()
        else:
            import signal

            process.send_signal(signal.SIGINT)
            _, complaints = process.communicate(timeout=PATIENCE)
            assert process.returncode == 0
            assert complaints == ""
