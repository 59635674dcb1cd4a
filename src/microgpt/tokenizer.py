"""Characters as whole numbers, and back; and what any tokenizer has to do.

The vocabulary is every distinct character of the data in code-point order, numbered from 0, and
after them one extra token, BOS, which marks both ends of every document: "ada" becomes
``[26, 0, 3, 0, 26]`` where the characters are a to z.

``AnyTokenizer`` is the interface of this tokenizer and of the one whose tokens are byte pairs
(``subwords.py``); the trunk relies on nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from microgpt.errors import InputError, TokenError

if TYPE_CHECKING:
    from microgpt.arrays import Ints

_AT_ONCE = 2**20  # characters that are turned into ids together


class AnyTokenizer(Protocol):
    """What a tokenizer does, whatever its tokens are."""

    @property
    def kind(self) -> str:
        """What its tokens are: "character" or "byte-pair"."""
        ...

    @property
    def bos(self) -> int:
        """The id of BOS, always the last one."""
        ...

    @property
    def vocab_size(self) -> int:
        """The number of tokens V, BOS included."""
        ...

    def encode(self, text: str, *, unknown: str = "error") -> list[int]:
        """Token ids of a text, without BOS."""
        ...

    def encode_document(self, text: str, *, unknown: str = "error") -> list[int]:
        """Token ids of a whole document: BOS, its text, BOS."""
        ...

    def encode_many(self, docs: Sequence[str]) -> tuple[Ints, Ints]:
        """The ids of all documents one after the other, without BOS, and how many each has [N].

        The ids have the smallest unsigned integer type that holds them.
        """
        ...

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of token ids; BOS is dropped."""
        ...

    def bytes_of(self) -> Ints:
        """How many bytes of UTF-8 each token stands for, int64 [V].

        BOS counts 1, for the line end that stands between documents in a file.
        """
        ...

    def shown(self, token: int) -> str:
        """A token as tables show it: one line, a space as ␣, BOS as BOS."""
        ...

    def describe(self) -> str:
        """The vocabulary in a few words."""
        ...

    def stored(self) -> tuple[str, bytes]:
        """The name and the content of the file in which a run keeps the tokenizer."""
        ...


class Tokenizer:
    """One token per character, plus BOS (beginning and end of a document).

    ``uchars``: the characters in the order of their ids. ``bos``: the id of BOS, the last one.
    ``vocab_size``: len(uchars) + 1.

    Raises ``InputError`` if the characters aren't distinct single characters in code-point order.

    Example:
        >>> import microgpt
        >>> tokenizer = microgpt.Tokenizer.of(["ada", "bob"])
        >>> tokenizer.uchars, tokenizer.bos
        (['a', 'b', 'd', 'o'], 4)
        >>> tokenizer.encode_document("dad")
        [4, 2, 0, 2, 4]
        >>> tokenizer.decode([1, 3])
        'bo'
    """

    def __init__(self, uchars: Iterable[str]) -> None:
        self.uchars = list(uchars)
        if any(len(c) != 1 for c in self.uchars):
            raise InputError("A vocabulary must be a list of single characters.")
        if not self.uchars:
            raise InputError("The vocabulary is empty: the data holds no character.")
        if any(a >= b for a, b in zip(self.uchars, self.uchars[1:], strict=False)):
            raise InputError("A vocabulary must be in code-point order, each character once.")
        self.ids = {c: i for i, c in enumerate(self.uchars)}
        self.bos = len(self.uchars)
        self.vocab_size = self.bos + 1
        self.kind = "character"

    @classmethod
    def of(cls, docs: Iterable[str]) -> Tokenizer:
        """The tokenizer whose vocabulary is the characters of ``docs``."""
        return cls(sorted(set().union(*docs)))

    def encode(self, text: str, *, unknown: str = "error") -> list[int]:
        """Token ids of the characters of ``text``, without BOS.

        A character outside the vocabulary raises ``TokenError``, or with ``unknown="skip"`` is
        left out.
        """
        if unknown not in ("error", "skip"):
            raise InputError(f"unknown is {unknown!r}, must be one of error, skip.")
        if unknown == "skip":
            return [self.ids[c] for c in text if c in self.ids]
        try:
            return [self.ids[c] for c in text]
        except KeyError:
            at = next(i for i, c in enumerate(text) if c not in self.ids)
            raise TokenError(
                f"{text[at]!r} at position {at} of {_shorten(text, at)} is not in the vocabulary "
                f"({self.describe()}).",
                "Train on data that has it, or drop it with --unknown=skip.",
            ) from None

    def encode_document(self, text: str, *, unknown: str = "error") -> list[int]:
        """Token ids of a whole document: BOS, its characters, BOS."""
        return [self.bos, *self.encode(text, unknown=unknown), self.bos]

    def encode_many(self, docs: Sequence[str]) -> tuple[Ints, Ints]:
        """Ids of all documents one after the other, without BOS, and the tokens of each [N].

        The same as ``encode`` on each, by table look-ups in arrays. Raises ``TokenError``.
        """
        import numpy as np

        counts = np.fromiter(map(len, docs), np.int64, len(docs))
        text = "".join(docs)
        ids: Ints = np.empty(len(text), np.min_scalar_type(self.bos))
        for at in range(0, len(text), _AT_ONCE):
            encoded = text[at : at + _AT_ONCE].encode("utf-32-le", "surrogatepass")
            points = np.frombuffer(encoded, dtype=np.uint32)
            found = self._table[np.minimum(points, len(self._table) - 1)]
            if (found < 0).any():
                for doc in docs:
                    self.encode(doc)  # says which character, and where
                raise TokenError("A document holds a character outside the vocabulary.")
            ids[at : at + len(found)] = found
        return ids, counts

    @cached_property
    def _table(self) -> Ints:
        """From code points to token ids; -1 for characters that aren't in the vocabulary."""
        import numpy as np

        known = [ord(c) for c in self.uchars]
        table: Ints = np.full(known[-1] + 2, -1, np.int32)  # the last stands for all beyond
        table[known] = np.arange(len(known))
        return table

    def decode(self, tokens: Sequence[int]) -> str:
        """The characters of token ids; BOS is dropped. Raises ``TokenError`` for other ids."""
        chars = []
        for token in tokens:
            check_token(token, self.bos)
            if token != self.bos:
                chars.append(self.uchars[token])
        return "".join(chars)

    def bytes_of(self) -> Ints:
        """How many bytes of UTF-8 each token stands for, int64 [V]; BOS counts 1."""
        import numpy as np

        sizes = [len(c.encode("utf-8", "surrogatepass")) for c in self.uchars]
        return np.array([*sizes, 1], dtype=np.int64)

    def shown(self, token: int) -> str:
        """A token as tables show it. Raises ``TokenError`` if there is no such token."""
        check_token(token, self.bos)
        return "BOS" if token == self.bos else one_line(self.uchars[token])

    def stored(self) -> tuple[str, bytes]:
        """The name and the content of the file in which a run keeps the vocabulary."""
        content: dict[str, Any] = {"type": self.kind, "uchars": self.uchars, "bos": self.bos}
        return "vocab.json", f"{json.dumps(content)}\n".encode()

    def describe(self) -> str:
        """The characters in a few words, like ``26 characters a-z``."""
        count = len(self.uchars)
        noun = "character" if count == 1 else "characters"
        points = [ord(c) for c in self.uchars]
        first, last = self.uchars[0], self.uchars[-1]
        if count > 2 and points[-1] - points[0] == count - 1:
            return f"{count} {noun} {_visible(first)}-{_visible(last)}"
        if count <= 12:
            return f"{count} {noun} {' '.join(map(_visible, self.uchars))}"
        return f"{count} {noun} from {_visible(first)} to {_visible(last)}"


def characters_of(
    tokenizer: AnyTokenizer, whose: object, needs: str, remedy: str = ""
) -> Tokenizer:
    """The tokenizer itself, if its tokens are characters.

    ``whose``: what has it, for the message. ``needs``: what needs characters, as in "the bot
    needs". Raises ``InputError`` for byte pairs.
    """
    if isinstance(tokenizer, Tokenizer):
        return tokenizer
    raise InputError(
        f"{whose} has {tokenizer.describe()}, and {needs} a model of characters.",
        remedy or "Use one that was trained with --tokenizer char.",
    )


def check_token(token: int, bos: int) -> None:
    """``TokenError`` unless there is such a token."""
    if not 0 <= token <= bos:
        raise TokenError(f"Token {token} is outside 0 to {bos}.")


def one_line(text: str) -> str:
    """A token's text with spaces as ␣, and what can't be printed as Python writes it."""
    shown = (c if c.isprintable() else repr(c)[1:-1] for c in text.replace(" ", "␣"))
    return "".join(shown)


def _visible(char: str) -> str:
    return repr(char) if char.isspace() or not char.isprintable() else char


def _shorten(text: str, at: int) -> str:
    if len(text) <= 40:
        return repr(text)
    start, end = max(0, at - 15), at + 15
    return f"{'…' if start else ''}{text[start:end]!r}{'…' if end < len(text) else ''}"


def _demo() -> None:
    tokenizer = Tokenizer.of(["emma", "olivia", "ava"])
    print(f"vocabulary: {tokenizer.describe()}, BOS = {tokenizer.bos}")
    for name in ("emma", "ava"):
        tokens = tokenizer.encode_document(name)
        print(f"{name!r} -> {tokens} -> {tokenizer.decode(tokens)!r}")


if __name__ == "__main__":
    _demo()
