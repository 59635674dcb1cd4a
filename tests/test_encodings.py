"""Which encoding bytes are read in, what is guessed, and what is refused."""

import codecs
import gzip
from pathlib import Path

import pytest

from microgpt.data import load_data
from microgpt.errors import InputError
from microgpt.reading.encodings import check_encoding, decode, refuse_binary

GERMAN = "Jürgen Groß\nKäthe\n„Spaß“ – nur so\nÖzlem\n"
RUSSIAN = "Анна\nИван\nОльга\n"


def refused(data: bytes, encoding: str | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        decode(data, "f.txt", encoding)
    assert caught.value.message.startswith("f.txt ")
    assert caught.value.remedy and "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_byte_order_mark_says_the_encoding(encoding: str) -> None:
    text = GERMAN + "😀\n" + RUSSIAN
    assert decode(("\ufeff" + text).encode(encoding), "f") == (text, None, "")
    assert decode(("\ufeff\ufeff" + text).encode(encoding), "f")[0] == "\ufeff" + text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["ada", GERMAN, RUSSIAN, "王伟\n李娜\n张敏\n刘洋\n", "😀\nb\n"])
def test_utf_16_and_32_are_known_without_a_mark(encoding: str, text: str) -> None:
    read, used, note = decode(text.encode(encoding), "f.txt")
    assert (read, used) == (text, encoding)
    assert f"f.txt is read as {encoding[:6].upper()}" in note
    assert "--encoding" in note


@pytest.mark.parametrize("text", [GERMAN, "René\n" * 3, "ma\xf1ana\n", "25 €\nzehn\n"])
def test_western_letters_are_read_as_windows_1252(text: str) -> None:
    read, used, note = decode(text.encode("cp1252"), "f.txt")
    assert (read, used) == (text, "cp1252")
    assert "f.txt is read as Windows-1252, since it is not UTF-8 (byte " in note
    assert "Name another with --encoding." in note


def test_the_note_says_where_utf_8_ends() -> None:
    assert "(byte 7, in line 2, is 0xe9)" in decode(b"ada\nren\xe9e\n", "f")[2]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        ("太郎\n花子\n", "shift_jis"),
        ("王伟\n李娜\n", "gb18030"),
        ("Αννα\nΓιώργος\n", "cp1253"),
    ],
)
def test_other_alphabets_are_not_taken_for_western_letters(text: str, encoding: str) -> None:
    error = refused(text.encode(encoding))
    assert "f.txt is not UTF-8: byte 0, in line 1, is 0x" in error.message
    assert "--encoding" in error.remedy
    assert decode(text.encode(encoding), "f", encoding) == (text, encoding, "")


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(
    "bad", [b"\xe9", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82"]
)
def test_utf8_with_a_fault_is_no_other_encoding(mark: bytes, end: bytes, bad: bytes) -> None:
    before = mark + b"ada" + end + b"z\xc3\xb6e" + end + b"ren"
    error = refused(before + bad)
    assert f"byte {len(before)}, in line 3, is 0x{bad[0]:02x}" in error.message
    assert "--encoding" in error.remedy


def test_a_mark_that_the_rest_belies() -> None:
    assert "begins with the mark of UTF-16, but byte" in refused(b"\xff\xfea\0b").message
    assert "character 1 is NUL" in refused("\ufeffa\0b".encode("utf-16-le")).message


@pytest.mark.parametrize(
    ("data", "looks"),
    [
        (b"%PDF-1.7 all ascii", "a PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(range(256)), "a JPEG image"),
        (b"SQLite format 3\0\x10\0\x01\x01", "an SQLite database"),
        (b"PAR1\x15\x04\x15" + bytes(8) + b"PAR1", "a Parquet file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16), "an old Office document"),
        (b"\x7fELF\x02\x01\x01" + bytes(9), "a program"),
        (b"\x28\xb5\x2f\xfd\x04\x58\x19\0\0", "Zstandard data"),
        (b"a.txt" + bytes(252) + b"ustar\x0000" + bytes(247) + b"ada\n", "a tar archive"),
    ],
)
def test_binary_files_are_called_what_they_are(data: bytes, looks: str) -> None:
    assert f"it looks like {looks}" in refused(data).message


def test_other_binary_files_are_refused_at_the_first_nul() -> None:
    assert "byte 1,003 is NUL" in refused(b"a\n\xff" + b"a" * 1000 + b"\0").message
    assert "byte 3 is NUL" in refused(b"ada\0").message
    assert "byte 40 is NUL" in refused(b"ada\n" * 10 + b"\0" + b"eva\n" * 9).message
    assert "byte 0 is NUL" in refused(bytes(4096)).message
    assert "NUL" in refused(bytes(i * i * 7 % 251 for i in range(4096))).message


@pytest.mark.parametrize("text", ["PAR1 is a word\n", "MZ\n", "BZh\n", "ID3\n", "GIF89a\n", "RIFF"])
def test_words_that_begin_like_a_binary_file_are_text(text: str) -> None:
    assert decode(text.encode(), "f") == (text, None, "")


def test_a_named_encoding_overrules() -> None:
    assert decode("ren\xe9".encode("mac-roman"), "f", "mac-roman") == ("ren\xe9", "mac-roman", "")
    assert decode("zoë\r\n".encode(), "f", "latin-1")[0] == "zoÃ«\n"
    assert decode(codecs.BOM_UTF8 + b"ada", "f", "utf-8")[0] == "ada"
    assert "is not utf-8: byte 3" in refused(b"ren\xe9", "utf-8").message
    assert "character 1 is '\\x00'" in refused(b"a\0", "latin-1").message
    assert "is no text in utf-7" in refused(b"+2AA-", "utf-7").message
    assert refused(b"x.xn--a", "idna")


@pytest.mark.parametrize("name", ["utf9", "", "rot13", "base64", "hex", "a\0b", "é"])
def test_encodings_that_there_are_not(name: str) -> None:
    with pytest.raises(InputError, match="must be a text encoding that Python knows"):
        check_encoding(name)
    with pytest.raises(InputError, match="must be a text encoding"):
        load_data("names", encoding=name)


def test_streams_are_refused_by_their_first_bytes() -> None:
    for good in (b"ada\n", "ada\n".encode("utf-16-le"), "\ufeffa".encode("utf-16"), b""):
        refuse_binary(good, "f")
    half = "ünü".encode("utf-16-le")[:-1]
    refuse_binary(half, "f")
    with pytest.raises(InputError, match="byte 0 is NUL"):
        refuse_binary(bytes(100), "f")


def test_a_guess_is_noted_and_kept_for_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(gzip.compress(GERMAN.encode("cp1252")))
    read = load_data(path)
    assert read.docs == GERMAN.split("\n")[:-1]
    assert read.how == {"encoding": "cp1252"}
    (note,) = read.notes
    assert str(path) in note and "Windows-1252" in note
    again = load_data(path, encoding="cp1252")
    assert (again.docs, again.notes, again.how) == (read.docs, [], read.how)
