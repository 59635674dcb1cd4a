"""Byte pairs as tokens: ``bytepairs.py`` with a vocabulary, a BOS and a file.

Ids 0 to 255 are the bytes, then come the merges in the order in which they were learned, and BOS
is last. Every text has tokens, and they give back its very bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from microgpt import bytepairs
from microgpt.bytepairs import BYTES, Pair
from microgpt.errors import InputError, TokenError
from microgpt.limits import whole
from microgpt.tokenizer import check_token, one_line
from microgpt.tokenizerjson import BOS, byte_pair_json, written

if TYPE_CHECKING:
    from microgpt.arrays import Ints

SMALLEST = len(BYTES) + 1
"""The smallest vocabulary: all bytes, and BOS."""

LARGEST = 2**20
"""The largest vocabulary that is trained."""

USUAL = 512
"""The vocabulary that is trained unless another size is asked for."""

_MOST_PIECES = 2**17  # that are remembered with their tokens
_LONGEST_PIECE = 40  # characters; longer ones hardly come twice


class BytePairTokenizer:
    """Tokens of one or more bytes that were found to stand together often, plus BOS.

    ``merges``: which two tokens each token from 256 on is made of, in the order in which they were
    learned. ``bos``: the id of BOS, the last one. ``bos_name``: how tokenizer.json writes it.
    ``vocab_size``: 256 + len(merges) + 1. ``contents``: the bytes of each token but BOS.

    Raises ``InputError`` for merges that are no such list.

    Example:
        >>> import microgpt
        >>> tokenizer = microgpt.BytePairTokenizer.of(["ada", "adam", "madam"], vocab_size=259)
        >>> tokenizer.describe()
        '259 byte-pair tokens'
        >>> [tokenizer.shown(token) for token in tokenizer.encode("adam")]
        ['ada', 'm']
        >>> tokenizer.decode(tokenizer.encode("né à Nîmes"))
        'né à Nîmes'
    """

    def __init__(self, merges: Iterable[Pair], bos_name: str = BOS) -> None:
        self.merges = list(merges)
        for new, (left, right) in enumerate(self.merges, len(BYTES)):
            if not (0 <= left < new and 0 <= right < new):
                raise InputError(
                    f"Merge {new - len(BYTES)} is of the tokens {left} and {right}, must be of two "
                    f"that come before it, 0 to {new - 1}."
                )
        if len(set(self.merges)) < len(self.merges):
            raise InputError("A pair is merged twice; each can be merged once.")
        self.bos_name = bos_name
        self.kind = "byte-pair"
        self.bos = len(BYTES) + len(self.merges)
        self.vocab_size = self.bos + 1
        self.contents = bytepairs.contents(self.merges)
        self._new_of = {pair: len(BYTES) + i for i, pair in enumerate(self.merges)}
        self._known: dict[str, list[int]] = {}

    @classmethod
    def of(cls, docs: Iterable[str], vocab_size: int) -> BytePairTokenizer:
        """The tokenizer whose merges are trained on ``docs``; ``vocab_size`` counts BOS as well.

        Raises ``InputError`` if the size is out of range, or larger than the documents can give,
        and ``TokenError`` for half a character, as ``encode`` does.
        """
        whole(
            "vocab_size", vocab_size, SMALLEST, LARGEST, "The 256 bytes and BOS are always in it."
        )
        wanted = vocab_size - SMALLEST
        try:
            merges = bytepairs.train(docs, wanted)
        except UnicodeEncodeError as error:
            raise _half(error) from None
        if len(merges) < wanted:
            most = SMALLEST + len(merges)
            raise InputError(
                f"vocab_size is {vocab_size:,}, but after {len(merges):,} merges no pair is left "
                f"that occurs: at most {most:,} tokens.",
                f"Use {most} or less, or train on more data.",
            )
        return cls(merges)

    @classmethod
    def read(cls, data: bytes, name: str) -> BytePairTokenizer:
        """The tokenizer in a tokenizer.json. ``name``: the file's, for messages.

        Raises ``CheckpointError`` for a file that isn't GPT-2's byte-level byte-pair encoding.
        """
        from microgpt.mergesfile import read_byte_pairs

        return cls(*read_byte_pairs(data, name))

    def encode(self, text: str, *, unknown: str = "error") -> list[int]:
        """Token ids of ``text``, without BOS. No text is unknown."""
        if unknown not in ("error", "skip"):
            raise InputError(f"unknown is {unknown!r}, must be one of error, skip.")
        tokens: list[int] = []
        for piece in bytepairs.pieces(text):
            tokens += self._known.get(piece) or self._tokens(piece)
        return tokens

    def _tokens(self, piece: str) -> list[int]:
        """The tokens of one piece, which is remembered."""
        try:
            found = bytepairs.encode(piece.encode(), self._new_of)
        except UnicodeEncodeError as error:
            raise _half(error) from None
        if len(piece) <= _LONGEST_PIECE:
            if len(self._known) >= _MOST_PIECES:
                self._known.clear()
            self._known[piece] = found
        return found

    def encode_document(self, text: str, *, unknown: str = "error") -> list[int]:
        """Token ids of a whole document: BOS, its text, BOS."""
        return [self.bos, *self.encode(text, unknown=unknown), self.bos]

    def encode_many(self, docs: Sequence[str]) -> tuple[Ints, Ints]:
        """Ids of all documents one after the other, without BOS, and the tokens of each [N]."""
        import numpy as np

        ids = array("I")
        counts = np.empty(len(docs), np.int64)
        for i, doc in enumerate(docs):
            before = len(ids)
            ids.extend(self.encode(doc))
            counts[i] = len(ids) - before
        whole = np.frombuffer(ids, np.dtype(ids.typecode)) if ids else np.empty(0)
        return whole.astype(np.min_scalar_type(self.bos)), counts

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of token ids; BOS is dropped, bytes that aren't UTF-8 become U+FFFD.

        Raises ``TokenError`` for other ids.
        """
        for token in tokens:
            check_token(token, self.bos)
        return bytepairs.decode((t for t in tokens if t != self.bos), self.contents)

    def bytes_of(self) -> Ints:
        """How many bytes of UTF-8 each token stands for, int64 [V]; BOS counts 1."""
        import numpy as np

        return np.array([*map(len, self.contents), 1], dtype=np.int64)

    def shown(self, token: int) -> str:
        """A token as tables show it; bytes that aren't UTF-8 by themselves as ``<e2 80>``."""
        check_token(token, self.bos)
        if token == self.bos:
            return "BOS"
        try:
            return one_line(self.contents[token].decode())
        except UnicodeDecodeError:
            return f"<{self.contents[token].hex(' ')}>"

    def describe(self) -> str:
        """The vocabulary in a few words: ``512 byte-pair tokens``."""
        return f"{self.vocab_size:,} byte-pair tokens"

    def stored(self) -> tuple[str, bytes]:
        """The name and the content of the file in which a run keeps the tokenizer."""
        return "tokenizer.json", written(byte_pair_json(self.merges, self.bos_name))


def _half(error: UnicodeEncodeError) -> TokenError:
    return TokenError(
        f"{error.object[error.start]!a} is half of a character, for which UTF-8 has no bytes.",
        "Remove it from the text.",
    )


def _demo() -> None:
    from microgpt.data import load_data

    docs = load_data("names").docs
    tokenizer = BytePairTokenizer.of(docs, 300)
    print(f"{tokenizer.describe()}, BOS = {tokenizer.bos}")
    for doc in docs[:5]:
        print(f"{doc:<10} {' '.join(map(tokenizer.shown, tokenizer.encode_document(doc)))}")


if __name__ == "__main__":
    _demo()
