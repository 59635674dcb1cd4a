"""Reading files, the held-out split and the summary."""

import codecs
import dataclasses
import gzip
import hashlib
import itertools
import random
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt import data
from microgpt import summary as summaries
from microgpt.data import (
    BUNDLED,
    Dataset,
    bundled,
    fnv1a32,
    load_data,
    split,
)
from microgpt.errors import FileError, InputError
from microgpt.reading import sources
from microgpt.reading.encodings import decode
from microgpt.summary import memorise_warning, summary
from microgpt.tokenizer import Tokenizer

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def names() -> Dataset:
    return load_data()


@pytest.fixture
def file(tmp_path):
    """Write bytes or text to a file and give its path."""

    def write(content, name="file.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def dataset(docs) -> Dataset:
    return Dataset("some", Path("some.txt"), "", docs, "line")


def refused(path, error, split_by="line"):
    """The error that reading raises; it must be a single line that names the file."""
    with pytest.raises(error) as caught:
        load_data(path, split_by)
    assert str(path) in caught.value.message
    assert caught.value.remedy
    assert "\n" not in str(caught.value)
    return caught.value


# ------------------------------------------------------------------ the bundled lists


def test_the_names_are_the_reference_run_s(names):
    assert (names.name, names.path, names.split_by) == ("names", ROOT / "data/names.txt", "line")
    assert names.sha256 == "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"
    assert len(names.docs) == 32_033
    assert len(set(names.docs)) == 29_494
    assert max(map(len, names.docs)) == 15
    assert (names.docs[0], names.docs[-1]) == ("emma", "zzyzx")
    docs = list(names.docs)
    random.Random(42).shuffle(docs)
    assert docs[:6] == ["yuheng", "diondre", "xavien", "jori", "juanluis", "erandi"]


@pytest.mark.parametrize("name", BUNDLED)
def test_descriptions_of_what_is_bundled_state_the_count(name):
    docs = load_data(name).docs
    count = len(docs[0]) if name in data.RUNNING else len(docs)
    assert BUNDLED[name].startswith(f"{count:,} ")


def test_every_text_file_in_data_is_bundled():
    assert sorted(BUNDLED) == sorted(path.stem for path in (ROOT / "data").glob("*.txt"))


def test_bundled_looks_in_the_wheel_s_folder_first(tmp_path, monkeypatch):
    package = tmp_path / "a" / "b" / "microgpt"
    (package / "share" / "data").mkdir(parents=True)
    (tmp_path / "a" / "data").mkdir()
    monkeypatch.setattr(data, "__file__", str(package / "data.py"))
    for place in (tmp_path / "a", package / "share"):
        path = place / "data" / "names.txt"
        path.write_text("ada\n", encoding="utf-8")
        assert bundled("data/names.txt") == path
    assert load_data("names").docs == ["ada"]


def test_bundled_finds_the_ladder_and_names_what_is_missing():
    assert bundled("ladder/train5.py") == ROOT / "ladder" / "train5.py"
    with pytest.raises(FileError, match=r"data/nothing\.txt"):
        bundled("data/nothing.txt")


def test_a_key_means_the_list_and_a_path_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("names").write_text("ada\n", encoding="utf-8")
    assert len(load_data("names").docs) == 32_033
    assert load_data(Path("names")).docs == load_data("./names").docs == ["ada"]


# ------------------------------------------------------------------ bytes to text


def test_a_file_keeps_order_and_duplicates_and_drops_white_space_and_blanks(file):
    path = file("zoe\n  ada \t\n\n   \nzoe\nno newline at the end")
    read = load_data(path)
    assert read.docs == ["zoe", "ada", "zoe", "no newline at the end"]
    assert (read.name, read.path) == ("file.txt", path)
    assert load_data(str(path)) == read
    assert "ada" not in repr(read)  # a repr with all documents would flood the screen


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("split_by", data.SPLITS)
def test_line_ends_make_no_difference(file, end, split_by):
    text = "ada\nbo\n\n\ncy\n\n"
    assert (
        load_data(file(text.replace("\n", end)), split_by).docs
        == {
            "line": ["ada", "bo", "cy"],
            "blank-line": ["ada\nbo", "cy"],
            "none": ["ada\nbo\n\n\ncy"],
        }[split_by]
    )


def test_mixed_line_ends(file):
    assert load_data(file("a\r\nb\rc\n\r\nd")).docs == ["a", "b", "c", "d"]


def test_a_byte_order_mark_is_dropped_once(file):
    bom = codecs.BOM_UTF8
    assert load_data(file(bom + b"ada\nbo")).docs == ["ada", "bo"]
    assert load_data(file(bom + bom + b"ada")).docs == ["\ufeffada"]


def test_characters_beyond_the_basic_plane(file):
    read = load_data(file("😀b\nﬀ𝔸é\n👩\u200d👧\n"))
    assert read.docs == ["😀b", "ﬀ𝔸é", "👩\u200d👧"]
    assert Tokenizer.of(read.docs).uchars == ["b", "é", "\u200d", "ﬀ", "𝔸", "👧", "👩", "😀"]


def test_only_newlines_cut_lines(file):
    text = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg"
    assert load_data(file(text)).docs == [text]


@pytest.mark.parametrize("split_by", data.SPLITS)
def test_gzip_is_known_by_its_content(file, split_by):
    plain = b"ada\r\nbo\n\ncy\n"
    packed = gzip.compress(plain)
    expected = load_data(file(plain, "plain.txt"), split_by).docs
    for name in ("list.txt.gz", "list.txt", "list"):
        read = load_data(file(packed, name), split_by)
        assert read.docs == expected
        assert read.sha256 == hashlib.sha256(packed).hexdigest()
    two_members = packed + gzip.compress(b"dee\n")
    assert load_data(file(two_members)).docs == ["ada", "bo", "cy", "dee"]


def test_damaged_gzip(file):
    packed = gzip.compress(random.Random(1).randbytes(5000).hex().encode())
    broken = bytearray(packed)
    broken[len(packed) // 2] ^= 255
    no_deflate = packed[:10] + b"\xff" * 20
    cut_off = (packed[:-9], packed[:5], b"\x1f\x8b")
    for content in (*cut_off, bytes(broken), no_deflate, packed + b"rubbish"):
        assert "damaged gzip data" in refused(file(content), FileError).message


def test_a_gzip_bomb_is_stopped_in_time(file, monkeypatch):
    monkeypatch.setattr(sources, "MAX_BYTES", 3 * 2**20)
    bomb = file(gzip.compress(bytes(50 * 2**20), 1))
    assert "3,145,728 bytes" in refused(bomb, InputError).message
    assert "3,145,728 bytes" in refused(file(b"a" * (3 * 2**20 + 1)), InputError).message
    assert load_data(file(b"a" * 3 * 2**20)).docs == ["a" * 3 * 2**20]


@pytest.mark.parametrize("split_by", data.SPLITS)
@pytest.mark.parametrize(
    "content", [b"", b"\n", b" \t\r\n\n \r", codecs.BOM_UTF8, gzip.compress(b"", mtime=0)]
)
def test_files_without_a_document(file, content, split_by):
    assert "holds no document" in refused(file(content), InputError, split_by).message


def test_one_document(file):
    for split_by in data.SPLITS:
        assert load_data(file("ada"), split_by).docs == ["ada"]


# ------------------------------------------------------------------ files that can't be read


def test_a_missing_file_brings_a_hint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refused("nmaes", FileError).remedy == "Did you mean the bundled 'names'?"
    assert refused("Dinosaur.txt", FileError).remedy == "Did you mean the bundled 'dinosaurs'?"
    assert refused("names.txt", FileError).remedy == "Did you mean the bundled 'names'?"
    assert refused("xyz", FileError).remedy == "Bundled are names, words, dinosaurs, shakespeare."


def test_directories_and_files_as_directories(tmp_path, file):
    assert "is a directory" in refused(tmp_path, FileError).message
    assert "can't be read" in refused(file("ada") / "inside", FileError).message
    assert "can't be read" in refused(tmp_path / ("x" * 5000), FileError).message


def test_no_permission(file, monkeypatch):
    path = file("ada")

    def deny(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)  # root may read everything, so chmod isn't enough
    assert "can't be read: Permission denied" in refused(path, FileError).message


def test_no_permission_for_the_folder(file, monkeypatch):
    path = file("ada")

    def deny(_path, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", deny)
    monkeypatch.setattr(Path, "is_dir", lambda path: stat.S_ISDIR(path.stat().st_mode))
    assert "can't be read: Permission denied" in refused(path, FileError).message


def test_an_unknown_split_is_refused():
    with pytest.raises(
        InputError, match="split_by is 'lines', must be one of line, blank-line, none"
    ):
        load_data("names", "lines")


# ------------------------------------------------------------------ cutting


def test_paragraphs(file):
    text = " \n\n  one\n  still one\n \t \n\r\n\ntwo\n\u2028\nthree\n\n"
    assert load_data(file(text), "blank-line").docs == ["one\n  still one", "two", "three"]


def test_a_whole_file_keeps_everything_but_newlines_at_its_end(file):
    assert load_data(file("\n  a\n\n b \n \n\n"), "none").docs == ["\n  a\n\n b \n "]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_cutting_loses_nothing_but_white_space(text):
    text, _, _ = decode(text.encode(), "some.txt")
    lines, paragraphs = data._cut(text, "line"), data._cut(text, "blank-line")
    assert all(doc and doc == doc.strip() and "\n" not in doc for doc in lines)
    assert all(doc and doc == doc.strip() and "\n\n" not in doc for doc in paragraphs)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert [line for doc in paragraphs for line in data._cut(doc, "line")] == lines


# ------------------------------------------------------------------ size


def test_big_files_are_read(file):
    """Work that grew with the square of the length would end at this test's time limit."""
    assert load_data(file("é" * 5_000_000)).docs == ["é" * 5_000_000]
    assert load_data(file(b"a" + b" \n" * 2_000_000 + b"b"), "blank-line").docs == ["a", "b"]
    (doc,) = load_data(file(b"a\n" + b" " * 10_000_000 + b"b"), "blank-line").docs
    assert len(doc) == 10_000_003


# ------------------------------------------------------------------ hash and split


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", 2166136261),
        ("a", 0xE40C292C),
        ("b", 0xE70C2DE5),
        ("foobar", 0xBF9CF968),
    ],
)
def test_published_fnv1a_values(text, value):
    assert fnv1a32(text) == value


def test_the_hash_is_of_utf8_bytes():
    by_hand = 2166136261
    for byte in (0xF0, 0x9F, 0x98, 0x80):
        by_hand = (by_hand ^ byte) * 16777619 % 2**32
    assert fnv1a32("😀") == by_hand


def test_no_holdout_hashes_nothing(names, monkeypatch):
    monkeypatch.setattr(data, "fnv1a32", None)
    parts = split(names.docs, 0.0)
    assert parts.train == names.docs
    assert parts.train is not names.docs  # the training loop shuffles its list in place
    assert parts.holdout == parts.validation == []


@pytest.mark.parametrize("validation", [False, True])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.25])
def test_shares_and_disjointness(names, share, validation):
    parts = split(names.docs, share, validation)
    train = set(parts.train)
    held, chosen = set(parts.holdout), set(parts.validation)
    assert len(held) == len(parts.holdout)
    assert len(chosen) == len(parts.validation)
    assert train | held | chosen == set(names.docs)
    assert len(train) + len(held) + len(chosen) == 29_494
    deviation = 4 * (29_494 * share * (1 - share)) ** 0.5
    assert abs(len(held) - 29_494 * share) < deviation
    assert abs(len(chosen) - 29_494 * share * validation) < deviation * validation + 1
    assert parts.train == [doc for doc in names.docs if doc in train]  # with all duplicates
    assert parts.holdout == [doc for doc in dict.fromkeys(names.docs) if doc in held]
    assert parts.validation == [doc for doc in dict.fromkeys(names.docs) if doc in chosen]
    for doc in parts.holdout:
        assert fnv1a32(doc) < share * 2**32
    for doc in parts.validation:
        assert share * 2**32 <= fnv1a32(doc) < 2 * share * 2**32


def test_the_split_of_the_names_is_fixed(names):
    parts = split(names.docs, 0.1, validation=True)
    assert [len(part) for part in (parts.train, parts.holdout, parts.validation)] == [
        25_914,
        2_783,
        2_898,
    ]
    assert parts.holdout == split(names.docs, 0.1).holdout
    assert set(split(names.docs, 0.05).holdout) < set(parts.holdout)


def test_a_text_lands_in_the_same_part_whatever_the_file(names):
    backwards = split(names.docs[::-1], 0.1)
    assert set(backwards.holdout) == set(split(names.docs, 0.1).holdout)


def test_empty_parts_are_refused_with_their_counts():
    with pytest.raises(InputError) as caught:
        split(["ada", "ada"], 0.1)
    assert "holdout 0.1 would split 1 distinct documents" in caught.value.message
    assert "1 to train on, 0 held out;" in caught.value.message
    assert "--holdout" in caught.value.remedy
    low = next(t for t in map(str, range(1000)) if fnv1a32(t) < 2**30)
    with pytest.raises(InputError, match="0 to train on, 1 held out;"):
        split([low], 0.5)
    high = next(t for t in map(str, range(1000)) if fnv1a32(t) >= 2**31)
    with pytest.raises(InputError, match="1 to train on, 1 held out, 0 for validation;"):
        split([low, high], 0.25, validation=True)
    with pytest.raises(InputError, match="0 held out, 0 for validation;"):
        split(["ada", "bo"], 0.0, validation=True)


# ------------------------------------------------------------------ summary


def test_summary_of_the_names(names):
    s = summary(names, 8)
    assert (s.documents, s.distinct, s.duplicates) == (32_033, 29_494, 2_539)
    assert (s.characters, s.tokens, s.vocab_size) == (196_113, 228_146, 27)
    assert (s.shortest, s.longest) == (2, 15)
    assert s.mean == pytest.approx(6.1222, abs=1e-4)
    assert s.longer_than_block == 4_801
    assert s.distinct_text == 181_834
    assert s.vocab_size == Tokenizer.of(names.docs).vocab_size
    assert [s.histogram[0], s.histogram[-1]] == [(2, 2, 65), (15, 15, 2)]
    assert summary(names, 16).longer_than_block == 0
    assert summary(names, 15).longer_than_block == 2


@pytest.mark.parametrize("at_once", [1, 100, 1_000])
def test_distinct_texts_are_counted_in_shares(names, monkeypatch, at_once):
    monkeypatch.setattr(data, "_AT_ONCE", at_once)
    docs = [*names.docs[:200], *names.docs[:50], "é😀"]
    found = data.Distinct.of(docs)
    texts = set(docs)
    assert found == data.Distinct(
        len(texts), sum(map(len, texts)), len(set("".join(texts)))
    )  # fmt: skip
    assert dataset(docs).distinct == found


def test_the_screen_is_aligned_ascii(names):
    lines = summary(names, 8).lines()
    assert lines[:6] == [
        "data        names",
        "documents   32,033 (29,494 distinct)",
        "characters  196,113 (228,146 tokens with the ends)",
        "vocabulary  27 (26 characters and BOS)",
        "length      2 to 15, mean 6.12",
        "block size  8 (4,801 documents need more)",
    ]
    assert lines[6:8] == ["   2     65  #", "   3    575  ###"]
    assert lines[10] == "   6  9,657  " + 40 * "#"
    assert len(lines) == 6 + 14
    assert all(line.isascii() and line == line.rstrip() for line in lines)
    assert max(map(len, lines)) <= 79


def test_one_document_has_one_bin():
    s = summary(dataset(["x" * 1_000_000]), 16)
    assert s.histogram == [(1_000_000, 1_000_000, 1)]
    assert s.lines()[5:] == [
        "block size  16 (1 document needs more)",
        "  1,000,000  1  " + 40 * "#",
    ]


def test_bins_suit_the_range():
    even = summary(dataset(["x" * n for n in range(101, 201)]), 16)
    assert even.histogram == [(low, low + 4, 5) for low in range(101, 201, 5)]
    few_are_far_longer = summary(dataset(["xyz"] * 99 + ["x" * 1000]), 16)
    assert few_are_far_longer.histogram[0] == (2, 3, 99)
    assert few_are_far_longer.histogram[1] == (4, 7, 0)
    assert few_are_far_longer.histogram[-1] == (512, 1023, 1)


@given(st.lists(st.integers(1, 3000), min_size=1))
def test_every_document_is_in_one_bin(sizes):
    s = summary(dataset(["x" * n for n in sizes]), 16)
    bins = s.histogram
    assert len(bins) <= 20
    assert bins[0][0] <= min(sizes) <= bins[0][1]
    assert bins[-1][0] <= max(sizes) <= bins[-1][1]
    assert all(a[1] + 1 == b[0] for a, b in itertools.pairwise(bins))
    assert all(n == sum(low <= size <= high for size in sizes) for low, high, n in bins)
    assert sum(n for _, _, n in bins) == s.documents
    assert len(s.lines()) == 6 + len(bins)


def test_memorise_warning(names):
    assert memorise_warning(summary(names, 16), 4_192) is None
    twice = summary(dataset(["ada", "ada", "bo"]), 16)
    assert memorise_warning(twice, 5) is None
    warning = memorise_warning(twice, 4_192)
    assert warning == (
        "4,192 parameters for 5 characters of distinct text: the model will mostly memorise."
    )


# ------------------------------------------------------------------ the module itself


def test_results_are_frozen(names):
    for value in (names, summary(names, 16), split(names.docs, 0)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            value.name = ""


def test_it_needs_the_standard_library_alone():
    program = (
        "import sys, microgpt.data; "
        "print(*{m.partition('.')[0] for m in sys.modules} - sys.stdlib_module_names)"
    )
    run = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(run.stdout.split()) <= {"microgpt", "__main__"}


def test_it_shows_itself(names, capsys):
    summaries._demo()
    assert capsys.readouterr().out.splitlines() == summary(names, 16).lines()
