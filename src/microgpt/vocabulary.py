"""Which tokenizer a new run gets: characters of its data, byte pairs trained on it, or a file's.

``char`` is the characters of the whole data. ``bpe`` is byte pairs whose merges are trained on what
the run trains on alone, so that nothing of what it is judged on goes into its tokens. A file is a
tokenizer.json, whose merges are taken as they are.
"""

from __future__ import annotations

from pathlib import Path

from microgpt import files
from microgpt.calling import command
from microgpt.config import Config
from microgpt.data import Dataset
from microgpt.disk.snapshot import LIMITS, TOKENIZER
from microgpt.errors import FileError, InputError
from microgpt.limits import whole
from microgpt.start import trained_on
from microgpt.subwords import LARGEST, SMALLEST, USUAL, BytePairTokenizer
from microgpt.tokenizer import AnyTokenizer, Tokenizer


class Wanted:
    """A tokenizer that was asked for. What is wrong with it shows before any data is read.

    ``tokenizer``: ``char``, ``bpe`` or the path of a tokenizer.json; None is ``char``. ``asked`` is
    that word. ``vocab_size``: the tokens of ``bpe``, BOS included; None is ``USUAL``. Raises
    ``InputError`` for a size out of range or without ``bpe``, ``FileError`` for a file that can't
    be read, and ``CheckpointError`` for one that is no tokenizer of byte pairs.
    """

    def __init__(self, tokenizer: str | None = None, vocab_size: int | None = None) -> None:
        self.asked = tokenizer or "char"
        self.vocab_size = USUAL if vocab_size is None else vocab_size
        self.file: BytePairTokenizer | None = None
        if self.asked == "char":
            if vocab_size is not None:
                raise InputError(
                    f"--vocab-size is {vocab_size}, but a vocabulary of characters is as large as "
                    "the data makes it.",
                    "Add --tokenizer bpe, or leave it out.",
                )
        elif self.asked == "bpe":
            remedy = f"The {SMALLEST - 1} bytes and BOS are always in it."
            whole("vocab_size", self.vocab_size, SMALLEST, LARGEST, remedy)
        else:
            self.file = _read(Path(self.asked))
            if vocab_size not in (None, self.file.vocab_size):
                raise InputError(
                    f"--vocab-size is {vocab_size}, but {self.asked} has "
                    f"{self.file.vocab_size:,} tokens, which are taken as they are.",
                    "Leave --vocab-size out, or train new merges with --tokenizer bpe.",
                )

    def of(self, config: Config, dataset: Dataset) -> AnyTokenizer:
        """The tokenizer for a run. Raises ``InputError`` if its data can't give that many."""
        if self.file is not None:
            return self.file
        if self.asked == "char":
            return Tokenizer.of(dataset.docs)
        docs = trained_on(config, dataset)
        try:
            return BytePairTokenizer.of(docs, self.vocab_size)
        except InputError as error:
            if dataset.running or len(docs) == len(dataset.docs):
                raise
            documents = "1 document" if len(docs) == 1 else f"{len(docs):,} documents"
            raise InputError(
                f"{error.message} Merges are trained on the {documents} that the planned steps "
                "reach.",
                f"{error.remedy.removesuffix('.')}, or for more steps.",
            ) from None


def _read(path: Path) -> BytePairTokenizer:
    if path.is_dir():
        inside = path / TOKENIZER
        raise FileError(
            f"--tokenizer is {path}, which is a directory.",
            f"Name the file in it: {command('train', '--tokenizer', inside)}"
            if inside.is_file()
            else "Name a tokenizer.json, or use char or bpe.",
        )
    if not path.exists():
        raise FileError(
            f"--tokenizer is {str(path)!r}, and there is no file of that name.",
            "It may be char, bpe, or the path of a tokenizer.json.",
        )
    return BytePairTokenizer.read(files.read_bytes(path, LIMITS[TOKENIZER]), str(path))


def _demo() -> None:
    """The same names by characters and by byte pairs."""
    from microgpt.batches import token_counts
    from microgpt.data import load_data

    data = load_data("names")
    for wanted in (Wanted(), Wanted("bpe", 300), Wanted("bpe")):
        tokenizer = wanted.of(Config(), data)
        tokens = int(token_counts(data.docs, tokenizer).sum())
        print(f"{tokenizer.describe()}: {tokens:,} tokens")


if __name__ == "__main__":
    _demo()
