"""What a reader wants to know of some data before training: sizes, lengths, and what to expect."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass

from microgpt.data import Dataset


@dataclass(frozen=True)
class Summary:
    """What the documents are like. Lengths and sizes are in characters, without BOS.

    With byte pairs the lengths (shortest, longest, histogram) are in tokens.
    """

    name: str
    documents: int
    distinct: int
    characters: int
    distinct_text: int  # characters, where every text counts once
    vocab_size: int  # different characters, or tokens, and BOS
    shortest: int
    longest: int
    histogram: list[tuple[int, int, int]]  # lengths from, to, and how many documents have them
    block_size: int
    longer_than_block: int  # documents that need more than block_size positions
    running: bool = False  # one running text
    encoded: int | None = None  # tokens without BOS; None where a token is a character

    @property
    def duplicates(self) -> int:
        """Documents whose text came before."""
        return self.documents - self.distinct

    @property
    def mean(self) -> float:
        """Mean length of a document."""
        return self._length / self.documents

    @property
    def _length(self) -> int:
        return self.characters if self.encoded is None else self.encoded

    @property
    def tokens(self) -> int:
        """Predictions in one pass over the file: every token and every end."""
        return self._length + self.documents

    def lines(self) -> list[str]:
        """The summary for the screen: aligned, and ASCII except for the name."""
        if self.running:
            return [
                f"data        {self.name}, one running text",
                f"characters  {self.characters:,}",
                *self._token_lines(),
                f"block size  {self.block_size:,}",
            ]
        over = self.longer_than_block
        fit = f"{over:,} document{' needs' if over == 1 else 's need'} more" if over else "all fit"
        bars = [(f"{a:,}" if a == b else f"{a:,}-{b:,}", n) for a, b, n in self.histogram]
        top = max(n for _, n in bars)
        left, right = max(len(label) for label, _ in bars), len(f"{top:,}")
        return [
            f"data        {self.name}",
            f"documents   {self.documents:,} ({self.distinct:,} distinct)",
            f"characters  {self.characters:,}"
            + (f" ({self.tokens:,} tokens with the ends)" if self.encoded is None else ""),
            *self._token_lines(f", {self.tokens:,} with the ends"),
            f"length      {self.shortest:,} to {self.longest:,}"
            f"{'' if self.encoded is None else ' tokens'}, mean {self.mean:,.2f}",
            f"block size  {self.block_size:,} ({fit})",
            # A bar's length is rounded up, so that one document among millions is seen.
            *(f"  {a:>{left}}  {n:>{right},}  {'#' * -(-40 * n // top)}".rstrip() for a, n in bars),
        ]

    def _token_lines(self, with_ends: str = "") -> list[str]:
        """How large the vocabulary is, and for byte pairs how many tokens the text becomes."""
        if self.encoded is None:
            return [f"vocabulary  {self.vocab_size:,} ({self.vocab_size - 1:,} characters and BOS)"]
        merges = "1 merge" if self.vocab_size == 258 else f"{self.vocab_size - 257:,} merges"
        each = self.characters / self.encoded
        return [
            f"tokens      {self.encoded:,} ({each:.2f} characters each{with_ends})",
            f"vocabulary  {self.vocab_size:,} byte-pair tokens (256 bytes, {merges} and BOS)",
        ]


def summary(
    dataset: Dataset, block_size: int, tokens: Counter[int] | None = None, vocab_size: int = 0
) -> Summary:
    """Count what a reader wants to know before training.

    A document needs one position more than it has characters, since BOS is the first. ``tokens``:
    how many documents have how many tokens, where a token isn't a character but one of
    ``vocab_size``.
    """
    lengths = Counter(map(len, dataset.docs))
    characters = sum(length * count for length, count in lengths.items())
    lengths = lengths if tokens is None else tokens
    encoded = sum(length * count for length, count in lengths.items())
    return Summary(
        name=dataset.name,
        documents=len(dataset.docs),
        distinct=dataset.distinct.texts,
        characters=characters,
        distinct_text=dataset.distinct.characters,
        vocab_size=dataset.distinct.letters + 1 if tokens is None else vocab_size,
        shortest=min(lengths),
        longest=max(lengths),
        histogram=_histogram(lengths, mean=encoded / len(dataset.docs)),
        block_size=block_size,
        longer_than_block=sum(n for length, n in lengths.items() if length + 1 > block_size),
        running=dataset.running,
        encoded=None if tokens is None else encoded,
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
    """One line where the model has more parameters than the distinct documents have characters."""
    if parameters <= summary.distinct_text:
        return None
    text = f"{summary.distinct_text:,} characters of distinct text"
    return f"{parameters:,} parameters for {text}: the model will mostly memorise."


def _demo() -> None:
    from microgpt.data import load_data

    for line in summary(load_data("names"), block_size=16).lines():
        print(line)


if __name__ == "__main__":
    _demo()
