"""Files as lists of documents: the first thing that happens in every run.

A document is one text that the model learns to produce from beginning to end: here a name. A
file becomes documents in a few steps::

    bytes --unpack--> bytes --decode--> text --cut--> documents --split--> train, holdout

The first two are in ``reading/`` (sources and encodings); for a plain text file in UTF-8 they do
nothing. Tables and JSON are cut by ``reading/tables.py``, which takes a column or a field. Nothing
here is random; the training loop shuffles.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from microgpt.errors import FileError, InputError
from microgpt.reading.encodings import check_encoding, decode
from microgpt.reading.sources import called, expand, read, unpack

BUNDLED = {
    "names": "32,033 first names; the reference run's data",
    "words": "4,123 words of Shakespeare's plays",
    "dinosaurs": "1,163 names of dinosaurs",
    "shakespeare": "1,115,393 characters of Shakespeare's plays, one running text",
}
"""The data that come with microgpt, ``data/NAME.txt``, each with a description."""

RUNNING = ("shakespeare",)
"""Those of them that are one running text, and no list of documents."""

SPLITS = ("line", "blank-line", "none")
"""Where one document ends and the next begins; see ``load_data``."""

KEPT = "data.txt"
"""The name under which a run's directory keeps what came through a pipe, as it came."""

_AT_ONCE = 2_000_000  # the most documents that one set is made of, so that it doesn't outweigh them


@dataclass(frozen=True)
class Dataset:
    """The documents of one file, in its order, or of several, one file after the other.

    ``path``: the file, or the first; ``more``: the others. ``sha256``: of the file as it is on
    disk; of several, the SHA-256 of their SHA-256s (32 bytes each) in a row. ``how``: the column,
    field or encoding that was used and that reading it again needs. ``notes``: what was guessed,
    one line each. ``kept``: the bytes of a pipe, which can't be read again; None for a file. Made
    by ``load_data``.

    Example:
        >>> import microgpt
        >>> dinosaurs = microgpt.load_data("dinosaurs")
        >>> len(dinosaurs.docs), dinosaurs.docs[:2]
        (1163, ['aardonyx', 'abditosaurus'])
        >>> dinosaurs.distinct.letters  # different characters
        26
    """

    name: str
    path: Path
    sha256: str
    docs: list[str] = field(repr=False)
    split_by: str
    more: tuple[Path, ...] = ()
    how: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    kept: bytes | None = field(default=None, repr=False)

    @cached_property
    def distinct(self) -> Distinct:
        """What the documents are like if every text counts once."""
        return Distinct.of(self.docs)

    @property
    def running(self) -> bool:
        """Whether this is one running text, of which passages are taken, and no documents."""
        return self.split_by == "none" and len(self.docs) == 1


@dataclass(frozen=True)
class Distinct:
    """How many different texts there are, their characters, and how many of these differ."""

    texts: int
    characters: int
    letters: int

    @classmethod
    def of(cls, docs: Sequence[str]) -> Distinct:
        """Counted; of many documents in shares, each a set of the texts that hash into it."""
        shares = len(docs) // _AT_ONCE + 1
        count = characters = 0
        letters: set[str] = set()
        for share in range(shares):
            if shares == 1:
                part = set(docs)
            else:
                part = {doc for doc in docs if hash(doc) % shares == share}
            count += len(part)
            characters += sum(map(len, part))
            letters.update("".join(part))
        return cls(count, characters, len(letters))


def bundled(relative: str) -> Path:
    """The path of a file that ships with microgpt, such as ``data/names.txt``.

    An installed wheel keeps them in ``microgpt/share/``, a checkout in its root. Raises
    ``FileError`` where neither has it.
    """
    here = Path(__file__).resolve()
    for root in (here.parent / "share", here.parents[2]):
        if (root / relative).exists():
            return root / relative
    raise FileError(
        f"{relative}, a part of microgpt, is not in {here.parent / 'share'} or {here.parents[2]}.",
        "Reinstall microgpt.",
    )


def load_data(
    source: str | Path | Sequence[str | Path] = "names",
    split_by: str | None = None,
    *,
    column: str | int | None = None,
    field: str | None = None,
    encoding: str | None = None,
) -> Dataset:
    r"""Read the documents of a bundled file, of your own, or of several.

    ``source``: a string that is exactly a key of ``BUNDLED`` means that file; ``-`` is standard
    input; any other string, and every ``Path``, is a file (so ``Path("names")`` is the file
    ``names`` in this directory), or a pattern such as ``*.txt`` for those that match, by name. A
    sequence of these is read in its order. A file is text, or gzip, bzip2, xz or zip with text in
    it; the files in a zip follow each other by name.

    ``split_by``: ``line`` makes every line a document, ``blank-line`` every paragraph; both drop
    white space at a document's ends and documents that are empty then. ``none`` takes the whole
    file as one document and drops only the newlines at its end. None means ``none`` for the bundled
    ``shakespeare``, which is one running text (train on it with ``make_config(long="window")``),
    and ``line`` for everything else.

    ``column``: a title or a number from 1; the cells of that column of a CSV or TSV file are the
    documents (``""``: lines are taken whole, whatever the file's name). ``field``: a key, or
    ``outer.inner``, of the objects in a JSON file, or of the one object on each line. Files named
    .csv, .tsv, .json, .jsonl or .ndjson are read that way without being asked (unless ``split_by``
    says how to cut them), and a single column or field needn't be named.

    ``encoding``: any text encoding that Python knows; None is UTF-8, or what a byte order mark or a
    look at the bytes suggests, with a note where it is a guess.

    Raises ``FileError`` if a file can't be read, ``InputError`` if it isn't such a text, is too
    long (``sources.MAX_BYTES``, ``sources.MAX_PIPE``) or holds no document.

    Example:
        >>> import microgpt
        >>> from pathlib import Path
        >>> file = Path("towns.csv")
        >>> _ = file.write_text("town,country\nOslo,Norway\nRome,Italy\n", encoding="utf-8")
        >>> microgpt.load_data(file, column="town").docs
        ['Oslo', 'Rome']
        >>> len(microgpt.load_data().docs)  # the 32,033 names that come with microgpt
        32033
    """
    named = _paths(source)
    if split_by is None:
        running = all(ours and path.stem in RUNNING for path, ours in named)
        split_by = "none" if running and column is None and field is None else "line"
    if split_by not in SPLITS:
        raise InputError(f"split_by is {split_by!r}, must be one of {', '.join(SPLITS)}.")
    if column not in (None, "") and field is not None:
        raise InputError(f"Both column {column!r} and field {field!r} are given.", "Choose one.")
    asked = f"field {field}" if column is None else f"column {column}"
    if split_by != "line" and (column not in (None, "") or field is not None):
        raise InputError(
            f"split_by is {split_by!r}, but {asked} is given, whose texts are the documents.",
            "Choose one.",
        )
    if encoding is not None:
        check_encoding(encoding)
    paths = [path for path, _ in named]
    docs: list[str] = []
    digests: list[bytes] = []
    hows: list[dict[str, str]] = []
    notes: list[str] = []
    kept = None
    for path, ours in named:
        digest, kept, texts = _texts(path, encoding)
        if kept is not None and len(paths) > 1:
            raise InputError(
                f"{called(path)} can be read only once, so it can't be one of several files.",
                "Put them together first: cat FILES | microgpt train -",
            )
        digests.append(digest)
        before = len(docs)
        while texts:
            where, text, used, note = texts.pop(0)
            if ours and column is None and field is None:
                docs += _cut(text, split_by)
                hows.append({})
                continue
            part, read_as, remarks = _documents(text, where, split_by, column, field)
            docs += part
            hows.append(read_as | ({"encoding": used} if used else {}))
            notes += [note, *remarks] if note else remarks
        if len(docs) == before:
            raise InputError(
                f"{called(path)} is empty or only white space: it holds no document.",
                "Add text.",
            )
    sha256 = digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digests)).digest()
    how = {key: value for key, value in hows[0].items() if all(h.get(key) == value for h in hows)}
    for key, value in (("column", column), ("field", field), ("encoding", encoding)):
        if value is not None:
            how.setdefault(key, str(value))
    name = source if isinstance(source, str) and source in BUNDLED else _name(paths)
    return Dataset(name, paths[0], sha256.hex(), docs, split_by, tuple(paths[1:]), how, notes, kept)


# ------------------------------------------------------------------ from bytes to documents


def _paths(source: str | Path | Sequence[str | Path]) -> list[tuple[Path, bool]]:
    """The files that are meant, in the order in which they are read; which ones are bundled."""
    sources = [source] if isinstance(source, str | Path) else list(source)
    if not sources:
        raise InputError("No file is named.", f"Name one, or one of: {', '.join(BUNDLED)}.")
    paths: list[tuple[Path, bool]] = []
    for one in sources:
        if isinstance(one, str) and one in BUNDLED:
            paths.append((bundled(f"data/{one}.txt"), True))
        else:
            paths += [(path, False) for path in expand(Path(one))]
    return paths


def _name(paths: Sequence[Path]) -> str:
    first = paths[0]
    if str(first) in ("-", "/dev/stdin"):
        return "stdin"
    name = "pipe" if first.as_posix().startswith(("/dev/fd/", "/proc/")) else first.name
    return name if len(paths) == 1 else f"{name} and {len(paths) - 1} more"


def _texts(
    path: Path, encoding: str | None
) -> tuple[bytes, bytes | None, list[tuple[str, str, str | None, str]]]:
    """A file's SHA-256, its bytes if they must be kept, and its texts.

    Each text comes with where it stands, the encoding if that needs saying, and a note.
    """
    raw = read(path, BUNDLED)
    texts = [(where, *decode(data, where, encoding)) for where, data in unpack(raw)]
    return hashlib.sha256(raw.data).digest(), raw.data if raw.once else None, texts


def _documents(
    text: str, where: str, split_by: str, column: str | int | None, field: str | None
) -> tuple[list[str], dict[str, str], list[str]]:
    """The documents of one text: of a table or of JSON if it is that, else cut from the text.

    With them comes how to read them so again, and notes.
    """
    from microgpt.reading import tables  # what is bundled does without it

    kind = tables.kind_of(where, column, field) if split_by == "line" else None
    if kind is not None:
        if kind == "csv":
            taken = tables.from_csv(text, where, None if column is None else str(column))
        else:
            taken = tables.from_json(text, where, field)
        return _not_empty(taken.docs), taken.how, taken.notes
    notes = []
    if split_by == "line" and (found := tables.resembles(text)) is not None:
        notes.append(f"{where} looks like {found[0]}, and every line is taken whole: {found[1]}.")
    return _cut(text, split_by), {}, notes


def _cut(text: str, split_by: str) -> list[str]:
    if split_by == "none":
        return [text.rstrip("\n")] if text.strip() else []
    # Not splitlines(): it also cuts at U+2028, form feeds and others that belong to the text.
    parts = text.split("\n") if split_by == "line" else re.split(r"\n\s*\n", text)
    return _not_empty(parts)


def _not_empty(parts: Sequence[str]) -> list[str]:
    return [doc for doc in map(str.strip, parts) if doc]


# ------------------------------------------------------------------ held-out documents


@dataclass(frozen=True)
class Split:
    """Documents to train on, to report the loss on, and to choose by, each in file order.

    ``train`` keeps duplicates; ``holdout`` and ``validation`` hold every text once. ``label``
    says what was held out: ``distinct`` texts, or the ``tail`` of a long one.
    """

    train: list[str]
    holdout: list[str]
    validation: list[str]
    label: str = "distinct"


def fnv1a32(text: str) -> int:
    """The 32-bit FNV-1a hash of the text's UTF-8 bytes (Fowler, Noll and Vo)."""
    h = 2166136261
    for byte in text.encode():
        h = (h ^ byte) * 16777619 & 0xFFFFFFFF
    return h


def split(docs: Sequence[str], holdout: float, validation: bool = False) -> Split:
    """Keep about the share ``holdout`` of the distinct texts out of training.

    A text's hash decides, as a number h from 0 to below 1: held out if h < holdout, and with
    ``validation`` kept to choose by if holdout <= h < 2 * holdout. So a text lands in the same
    part with every seed and in every file, and its duplicates go with it.

    Raises ``InputError`` if a part that is wanted would be empty.
    """
    if holdout == 0 and not validation:
        return Split(list(docs), [], [])
    held: list[str] = []
    chosen: list[str] = []
    distinct = dict.fromkeys(docs)
    for text in distinct:
        h = fnv1a32(text) / 2**32
        if h < holdout:
            held.append(text)
        elif validation and h < 2 * holdout:
            chosen.append(text)
    out = {*held, *chosen}
    train = [text for text in docs if text not in out]
    if not train or not held or (validation and not chosen):
        third = f", {len(chosen):,} for validation" if validation else ""
        raise InputError(
            f"holdout {holdout:g} would split {len(distinct):,} distinct documents into "
            f"{len(set(train)):,} to train on, {len(held):,} held out{third}; none may be 0.",
            "Use more documents or another --holdout; 0 holds none out.",
        )
    return Split(train, held, chosen)


def split_tail(text: str, holdout: float, validation: bool = False) -> Split:
    """Keep the last share of one long text out of training, counted in characters.

    With ``validation`` the share before it is kept to choose by. Raises ``InputError`` if a part
    would be empty.
    """
    size = int(len(text) * holdout)
    if size == 0:
        raise InputError(
            f"holdout {holdout:g} of a text of {len(text):,} characters comes to less than one.",
            "Use a longer text or a larger --holdout; 0 holds none out.",
        )
    first, second = len(text) - size * (2 if validation else 1), len(text) - size
    if first <= 0:
        raise InputError(
            f"holdout {holdout:g}, with as much for validation, leaves nothing of the text to "
            "train on.",
            "Use a smaller --holdout.",
        )
    return Split([text[:first]], [text[second:]], [text[first:second]] * validation, "tail")


def _demo() -> None:
    for name in BUNDLED:
        data = load_data(name)
        print(f"{name:<12} {len(data.docs):>6,} documents, the first: {data.docs[0][:40]!r}")


if __name__ == "__main__":
    _demo()
