"""Text files as lists of documents: the first thing that happens in every run.

A document is one text that the model learns to produce from beginning to end: here a name. A
file becomes documents in four steps, each a short function below::

    bytes --decompress--> bytes --decode--> text --cut--> documents --split--> train, holdout

Nothing here is random; the training loop shuffles.
"""

from __future__ import annotations

import codecs
import difflib
import gzip
import hashlib
import io
import re
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from microgpt.errors import FileError, InputError

BUNDLED = {
    "names": "32,033 first names; the reference run's data",
    "words": "4,123 words of Shakespeare's plays",
    "dinosaurs": "1,163 names of dinosaurs",
}
"""The lists that come with microgpt, ``data/NAME.txt``, each with a description."""

SPLITS = ("line", "blank-line", "none")
"""Where one document ends and the next begins; see ``load_data``."""

MAX_BYTES = 4 * 2**30  # of text: a gzip of a few MB can unpack to more than any memory holds


@dataclass(frozen=True)
class Dataset:
    """The documents of one file, in its order. ``sha256`` is that of the file as it is on disk."""

    name: str
    path: Path
    sha256: str
    docs: list[str] = field(repr=False)
    split_by: str


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
        "Install microgpt again.",
    )


def load_data(source: str | Path = "names", split_by: str = "line") -> Dataset:
    """Read the documents of a bundled list or of a file.

    ``source``: a string that is exactly a key of ``BUNDLED`` means that list; any other string,
    and every ``Path``, is a file (so ``Path("names")`` is the file ``names`` in this directory).
    The file is UTF-8 text, plain or gzip.

    ``split_by``: ``line`` makes every line a document, ``blank-line`` every paragraph; both drop
    white space at a document's ends and documents that are empty then. ``none`` takes the whole
    file as one document and drops only the newlines at its end.

    Raises ``FileError`` if the file can't be read, ``InputError`` if it isn't such a text, is
    above ``MAX_BYTES`` or holds no document.
    """
    if split_by not in SPLITS:
        raise InputError(f"split_by is {split_by!r}, must be one of {', '.join(SPLITS)}.")
    if isinstance(source, str) and source in BUNDLED:
        name, path = source, bundled(f"data/{source}.txt")
    else:
        path = Path(source)
        name = path.name
    raw = _read(path)
    docs = _cut(_decode(_decompress(raw, path), path), split_by)
    if not docs:
        raise InputError(f"{path} is empty or white space: it holds no document.", "Add text.")
    return Dataset(name, path, hashlib.sha256(raw).hexdigest(), docs, split_by)


# ------------------------------------------------------------------ from bytes to documents


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise FileError(f"{path} is a directory.", "Name a text file.")
        with path.open("rb") as stream:
            return _read_limited(stream, path)
    except FileNotFoundError:
        close = difflib.get_close_matches(path.stem.lower(), BUNDLED, n=1)
        hint = f"Did you mean the bundled {close[0]!r}?" if close else ""
        hint = hint or f"Bundled are {', '.join(BUNDLED)}."
        raise FileError(f"There is no file {path}.", hint) from None
    except OSError as error:
        why = error.strerror or error
        raise FileError(f"{path} can't be read: {why}.", "Check its permissions.") from error


def _decompress(raw: bytes, path: Path) -> bytes:
    """The content of gzip data, which is known by its first two bytes; other data as it is."""
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
            return _read_limited(stream, path)
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"{path} is damaged gzip data: {error}.", "Compress it again.") from error


def _read_limited(stream: BinaryIO | gzip.GzipFile, path: Path) -> bytes:
    """Everything that is left in ``stream``, in pieces, so that the limit stops it in time."""
    pieces, size = [], 0
    while piece := stream.read(2**20):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BYTES:
            raise InputError(f"{path} holds more than {MAX_BYTES:,} bytes.", "Train on a part.")
    return b"".join(pieces)


def _decode(data: bytes, path: Path) -> str:
    """UTF-8 as text in which every line ends with LF; a byte order mark is dropped."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "UTF-32" if data[2:4] == b"\0\0" else "UTF-16"
        remedy = f"Convert it: iconv -f {encoding} -t UTF-8."
        raise InputError(f"{path} is {encoding}, must be UTF-8.", remedy)
    if (at := data.find(0)) >= 0:
        raise InputError(f"{path} is not text: byte {at:,} is NUL.", "Name a UTF-8 text file.")
    try:
        return _unix_newlines(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        at = len(data) - len(error.object) + error.start  # counted from before the mark
        line = _unix_newlines(data[:at].decode()).count("\n") + 1
        raise InputError(
            f"{path} is not UTF-8: byte {at:,}, in line {line:,}, is 0x{data[at]:02x}.",
            "Convert it, if it is Latin-1 with: iconv -f latin1 -t utf-8.",
        ) from None


def _unix_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _cut(text: str, split_by: str) -> list[str]:
    if split_by == "none":
        return [text.rstrip("\n")] if text.strip() else []
    # Not splitlines(): it also cuts at U+2028, form feeds and others that belong to the text.
    parts = text.split("\n") if split_by == "line" else re.split(r"\n\s*\n", text)
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
    part with every seed and in every file, and its duplicates go along.

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
            f"holdout {holdout:g} would share {len(distinct):,} distinct documents out as "
            f"{len(set(train)):,} to train on, {len(held):,} held out{third}; none may be 0.",
            "Bring more documents or another --holdout; 0 keeps none out.",
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
            f"holdout {holdout:g} of a text of {len(text):,} characters is less than one.",
            "Bring a longer text or a larger --holdout; 0 keeps none out.",
        )
    first, second = len(text) - size * (2 if validation else 1), len(text) - size
    if first <= 0:
        raise InputError(
            f"holdout {holdout:g}, with as much for validation, leaves nothing of the text to "
            "train on.",
            "Use a smaller --holdout.",
        )
    return Split([text[:first]], [text[second:]], [text[first:second]] * validation, "tail")


# ------------------------------------------------------------------ what the screen says


@dataclass(frozen=True)
class Summary:
    """What the documents are like. Lengths and sizes are in characters, without BOS."""

    name: str
    documents: int
    distinct: int
    characters: int
    distinct_text: int  # characters, where every text counts once
    vocab_size: int  # different characters, and BOS
    shortest: int
    longest: int
    histogram: list[tuple[int, int, int]]  # lengths from, to, and how many documents have them
    block_size: int
    longer_than_block: int  # documents that need more than block_size positions

    @property
    def duplicates(self) -> int:
        """Documents whose text came before."""
        return self.documents - self.distinct

    @property
    def mean(self) -> float:
        """Mean length of a document."""
        return self.characters / self.documents

    @property
    def tokens(self) -> int:
        """Predictions in one pass over the file: every character and every end."""
        return self.characters + self.documents

    def lines(self) -> list[str]:
        """The summary for the screen: aligned, and ASCII except for the name."""
        over = self.longer_than_block
        fit = f"{over:,} document{' needs' if over == 1 else 's need'} more" if over else "all fit"
        bars = [(f"{a:,}" if a == b else f"{a:,}-{b:,}", n) for a, b, n in self.histogram]
        top = max(n for _, n in bars)
        left, right = max(len(label) for label, _ in bars), len(f"{top:,}")
        return [
            f"data        {self.name}",
            f"documents   {self.documents:,} ({self.distinct:,} distinct)",
            f"characters  {self.characters:,} ({self.tokens:,} tokens with the ends)",
            f"vocabulary  {self.vocab_size:,} ({self.vocab_size - 1:,} characters and BOS)",
            f"length      {self.shortest:,} to {self.longest:,}, mean {self.mean:,.2f}",
            f"block size  {self.block_size:,} ({fit})",
            # A bar's length is rounded up, so that one document among millions is seen.
            *(f"  {a:>{left}}  {n:>{right},}  {'#' * -(-40 * n // top)}".rstrip() for a, n in bars),
        ]


def summary(dataset: Dataset, block_size: int) -> Summary:
    """Count what a reader wants to know before training.

    A document needs one position more than it has characters, since BOS is the first.
    """
    distinct = set(dataset.docs)
    lengths = Counter(map(len, dataset.docs))
    characters = sum(length * count for length, count in lengths.items())
    return Summary(
        name=dataset.name,
        documents=len(dataset.docs),
        distinct=len(distinct),
        characters=characters,
        distinct_text=sum(map(len, distinct)),
        vocab_size=len(set().union(*distinct)) + 1,
        shortest=min(lengths),
        longest=max(lengths),
        histogram=_histogram(lengths, mean=characters / len(dataset.docs)),
        block_size=block_size,
        longer_than_block=sum(n for length, n in lengths.items() if length + 1 > block_size),
    )


def _histogram(lengths: Counter[int], mean: float) -> list[tuple[int, int, int]]:
    """At most 20 bins of equal width, or bins that double where a few are far longer than most."""
    low, high = min(lengths), max(lengths)
    if high <= 20 * mean:
        width = (high - low) // 20 + 1
        edges = list(range(low, high + width + 1, width))
    else:
        edges = [2**i for i in range(low.bit_length() - 1, high.bit_length() + 1)]
    bins: Counter[int] = Counter()
    for length, count in lengths.items():
        bins[bisect_right(edges, length)] += count
    return [(edges[i - 1], edges[i] - 1, bins[i]) for i in range(1, len(edges))]


def memorise_warning(summary: Summary, parameters: int) -> str | None:
    """One line where the model has more parameters than the distinct documents characters."""
    if parameters <= summary.distinct_text:
        return None
    text = f"{summary.distinct_text:,} characters of distinct text"
    return f"{parameters:,} parameters for {text}: the model will mostly memorise."


def _demo() -> None:
    for line in summary(load_data("names"), block_size=16).lines():
        print(line)


if __name__ == "__main__":
    _demo()
