"""Files, patterns, several files, pipes and archives, as documents."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from microgpt.data import load_data
from microgpt.errors import FileError, InputError, MicrogptError, MissingError
from microgpt.reading import sources

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(name: str, content: str | bytes) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def zipped(files: dict[str, str | bytes]) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return into.getvalue()


def refused(source: object, kind: type[MicrogptError]) -> MicrogptError:
    with pytest.raises(kind) as caught:
        load_data(source)  # type: ignore[arg-type]
    assert caught.value.remedy and "\n" not in str(caught.value)
    return caught.value


# ------------------------------------------------------------------ several files


def test_several_files_are_read_in_the_order_given() -> None:
    written("b.txt", "bo\nby\n")
    written("a.txt", "ada\n")
    read = load_data(["b.txt", Path("a.txt")])
    assert read.docs == ["bo", "by", "ada"]
    assert (read.path, read.more, read.name) == (
        Path("b.txt"),
        (Path("a.txt"),),
        "b.txt and 1 more",
    )
    digests = [hashlib.sha256(Path(n).read_bytes()).digest() for n in ("b.txt", "a.txt")]
    assert read.sha256 == hashlib.sha256(b"".join(digests)).hexdigest()
    assert load_data(["a.txt", "b.txt"]).sha256 != read.sha256
    assert load_data(["a.txt"]).sha256 == digests[1].hex()
    assert load_data(["a.txt"]) == load_data("a.txt")


def test_bundled_lists_may_be_among_them() -> None:
    written("a.txt", "ada\n")
    both = load_data(["dinosaurs", "a.txt"])
    assert both.docs == [*load_data("dinosaurs").docs, "ada"]
    assert load_data(["dinosaurs"]).docs == both.docs[:-1]


def test_no_file_and_an_empty_one_among_several() -> None:
    assert "No file is named" in refused([], InputError).message
    written("a.txt", "ada\n")
    written("empty.txt", "\n")
    assert refused(["a.txt", "empty.txt"], InputError).message.startswith("empty.txt is empty")
    assert "There is no file gone.txt" in refused(["a.txt", "gone.txt"], FileError).message


def test_patterns_that_the_shell_left_are_expanded_by_name() -> None:
    for name in ("b.txt", "a.txt", "c.md", ".hidden.txt", "sub/d.txt", "sub/deep/e.txt"):
        written(name, f"{Path(name).stem}\n")
    Path("folder.txt").mkdir()
    assert load_data("*.txt").docs == ["a", "b"]
    assert load_data("[bc].*").docs == ["b", "c"]
    assert load_data("**/*.txt").docs == ["a", "b", "d", "e"]
    assert load_data(Path.cwd() / "?.txt").docs == ["a", "b"]
    assert load_data(["sub/*.txt", "*.md"]).docs == ["d", "c"]
    os.chdir("sub")
    assert load_data("../*.md").docs == ["c"]
    assert "No file matches *.csv" in refused("*.csv", FileError).message


def test_a_file_whose_name_looks_like_a_pattern_is_that_file() -> None:
    written("[ab].txt", "ada\n")
    written("a.txt", "bo\n")
    assert load_data("[ab].txt").docs == ["ada"]


def test_a_directory_names_what_to_do() -> None:
    Path("data").mkdir()
    error = refused("data", FileError)
    assert error.message == "data is a directory."
    assert str(Path("data") / "*.txt") in error.remedy


# ------------------------------------------------------------------ pipes and devices


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    def give(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return give


def test_standard_input_is_kept_as_it_came(stdin: Callable[[bytes], None]) -> None:
    packed = gzip.compress(b"ada\nbo\n")
    for data in (b"ada\r\nbo\n", packed, "ada\nbo\n".encode("utf-16-le")):
        stdin(data)
        read = load_data("-")
        assert (read.docs, read.kept, read.name) == (["ada", "bo"], data, "stdin")
        assert read.sha256 == hashlib.sha256(data).hexdigest()
        assert repr(data) not in repr(read)


def test_standard_input_that_is_closed_or_one_of_several(
    stdin: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    written("a.txt", "ada\n")
    stdin(b"bo\n")
    assert "(-) can be read only once" in refused(["a.txt", "-"], InputError).message
    monkeypatch.setattr(sys, "stdin", None)
    assert "standard input, which is closed" in refused("-", FileError).message


def test_standard_input_of_no_text(stdin: Callable[[bytes], None]) -> None:
    stdin(bytes(2**20))
    assert refused("-", InputError).message == "standard input (-) is not text: byte 0 is NUL."
    stdin(b" \n")
    assert "standard input (-) is empty" in refused("-", InputError).message


class Endless(io.RawIOBase):
    """A stream that never ends, and counts what was taken from it."""

    def __init__(self, unit: bytes) -> None:
        self.unit, self.taken = unit, 0

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        into[:] = (self.unit * (len(into) // len(self.unit) + 1))[: len(into)]
        self.taken += len(into)
        return len(into)


def test_streams_without_an_end_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_PIPE", 3 * 2**20)
    for unit, limit, says in (
        (b"y\n", 6 * 2**20, "holds more than 3,145,728 bytes"),
        (b"\0", 2**20, "is not text: byte 0 is NUL"),
        (b"\x91\0\7\xf3\xd8", 2**20, "is not text: byte 1 is NUL"),
    ):
        source = Endless(unit)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(source)))
        error = refused("-", InputError)
        assert says in error.message
        assert source.taken <= limit


def test_the_remedy_for_an_endless_pipe_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_PIPE", 2**20)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Endless(b"y\n"))))
    assert "head -c" in refused("-", InputError).remedy


@posix
def test_a_fifo_is_kept() -> None:
    os.mkfifo("f.txt")
    writer = threading.Thread(target=Path("f.txt").write_bytes, args=(b"ada\nbo\n",), daemon=True)
    writer.start()
    read = load_data("f.txt")
    writer.join()
    assert (read.docs, read.kept, read.name) == (["ada", "bo"], b"ada\nbo\n", "f.txt")


@posix
def test_a_file_descriptor_is_kept() -> None:
    out, into = os.pipe()
    os.write(into, b"ada\n")
    os.close(into)
    try:
        read = load_data(f"/dev/fd/{out}")
    finally:
        os.close(out)
    assert (read.docs, read.kept, read.name) == (["ada"], b"ada\n", "pipe")


@posix
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/null"])
def test_devices_are_refused_at_once(device: str) -> None:
    assert refused(device, FileError).message == f"{device} is a device, not a file."


def test_files_are_not_kept() -> None:
    assert load_data(written("a.txt", "ada\n")).kept is None


# ------------------------------------------------------------------ archives


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_text_is_known_by_its_content(pack: Callable[[bytes], bytes]) -> None:
    packed = pack(b"ada\r\nbo\n")
    for name in ("a.txt", "a", "a.txt.gz"):
        read = load_data(written(name, packed))
        assert read.docs == ["ada", "bo"]
        assert read.sha256 == hashlib.sha256(packed).hexdigest()
    two = load_data(written("two", packed + pack(b"cy\n")))
    assert two.docs == ["ada", "bo", "cy"]
    assert "holds no document" in refused(written("none", pack(b"")), InputError).message


@pytest.mark.parametrize(
    ("pack", "name"), [(bz2.compress, "bzip2"), (lzma.compress, "xz"), (gzip.compress, "gzip")]
)
def test_damaged_archives(pack: Callable[[bytes], bytes], name: str) -> None:
    packed = pack(bytes(range(32, 127)) * 50)
    broken = bytearray(packed)
    broken[len(packed) // 2] ^= 255
    for content in (packed[:-6], packed[: len(packed) // 2], bytes(broken)):
        error = refused(written("a", content), FileError)
        assert f"a is damaged {name} data: " in error.message


def test_words_that_begin_like_an_archive_are_text() -> None:
    assert load_data(written("a", "BZh9\nBZhang\n")).docs == ["BZh9", "BZhang"]
    assert load_data(written("a", "PK\n")).docs == ["PK"]


def test_a_python_without_a_module_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lzma", None)
    error = refused(written("a.xz", lzma.compress(b"ada\n")), MissingError)
    assert error.message == "a.xz is xz data, and this Python lacks the module lzma."
    assert load_data(written("a.gz", gzip.compress(b"ada\n"))).docs == ["ada"]


def test_a_zip_s_files_follow_each_other_by_name() -> None:
    packed = zipped({
        "b.txt": "bo\n",
        "a/": "",
        "a/z.txt": "zoe\n",
        "B.txt": "ben\n",
        "__MACOSX/._b.txt": b"\0\5\26\7",
        ".DS_Store": b"\0\0\0\1Bud1",
        "a/.hidden": b"\0",
    })  # fmt: skip
    read = load_data(written("x.zip", packed))
    assert read.docs == ["ben", "zoe", "bo"]
    assert read.sha256 == hashlib.sha256(packed).hexdigest()
    assert read.path == Path("x.zip")


def test_tables_in_archives_are_tables() -> None:
    packed = zipped({"a.csv": "name,n\nada,1\n", "b.csv": "n,name\n2,bo\n"})
    assert load_data(written("x.zip", packed), column="name").docs == ["ada", "bo"]
    packed = gzip.compress(b'{"text": "ada"}\n{"text": "bo"}\n')
    assert load_data(written("a.JSONL.gz", packed)).docs == ["ada", "bo"]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"word/document.xml": "<w/>", "[Content_Types].xml": "<x/>"}, "is an Office document"),
        ({"mimetype": "application/epub+zip", "a.xml": "<x/>"}, "is an Office document"),
        ({"a/": ""}, "x holds no file"),
        ({"b.bin": b"a\0b"}, "x/b.bin is not text: byte 1 is NUL"),
        ({"b.gz": gzip.compress(b"ada")}, "x/b.gz is not text: it looks like gzip data"),
    ],
)
def test_zips_without_text(files: dict[str, str | bytes], says: str) -> None:
    assert says in refused(written("x", zipped(files)), InputError).message


def test_encrypted_and_damaged_zips() -> None:
    good = bytearray(zipped({"a.txt": "ada\n"}))
    at = good.index(b"PK\1\2")
    good[at + 8] |= 1  # the bit that says "encrypted"
    assert refused(written("x", bytes(good)), FileError).message == "x is encrypted."
    good[at + 8] ^= 1
    for content in (good[:-30], good[:20], good[:35] + b"\xff\xff" + good[37:]):
        assert "x is damaged zip data" in refused(written("x", content), FileError).message
    good[at + 10] = 99  # a method that nobody knows
    assert "damaged zip data" in refused(written("x", bytes(good)), FileError).message


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_bombs_are_stopped_in_time(
    pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", 2**20)
    bomb = pack(b"a" * (3 * 2**20))
    assert "1,048,576 bytes" in refused(written("a", bomb), InputError).message
    two = zipped({"a": b"a" * 700_000, "b": b"b" * 700_000})
    assert "1,048,576 bytes" in refused(written("x", two), InputError).message
    assert "1,048,576 bytes" in refused(written("l", b"a" * (2**20 + 1)), InputError).message
