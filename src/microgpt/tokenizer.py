"""Characters as whole numbers, and back.

The vocabulary is every distinct character of the data in code-point order, numbered from 0, and
after them one extra token, BOS, which marks both ends of every document: "ada" becomes
``[26, 0, 3, 0, 26]`` where the characters are a to z.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from microgpt.errors import InputError, TokenError


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

    def decode(self, tokens: Sequence[int]) -> str:
        """The characters of token ids; BOS is dropped. Raises ``TokenError`` for other ids."""
        chars = []
        for token in tokens:
            if not 0 <= token <= self.bos:
                raise TokenError(f"Token {token} is outside 0 to {self.bos}.")
            if token != self.bos:
                chars.append(self.uchars[token])
        return "".join(chars)

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
