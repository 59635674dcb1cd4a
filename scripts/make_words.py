"""Make data/words.txt, a list of English words, from data/shakespeare.txt.

data/README.md says where that text comes from. The command

    python scripts/make_words.py data/shakespeare.txt --out data/words.txt

writes data/words.txt again, byte for byte. Only the standard library is used.

A word is kept if the text has it at least --min-count times (3 by default) written wholly in lower
case, and it is 2 to 16 letters of a-z:

* Speaker names ("MENENIUS:", "First Citizen:") are skipped: the first line of
  a paragraph, where it ends in a colon.
* Capitalised occurrences count for nothing, so proper names, which never
  appear in lower case, drop out, and no guess is needed about the capitals
  that begin sentences and lines of verse.
* A token that holds an apostrophe, hyphen, digit or other sign ("know't",
  "o'er", "well-beloved") is skipped whole, never cut into pieces; "--" is a
  dash and separates words.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

MIN_COUNT = 3
MIN_LETTERS = 2
MAX_LETTERS = 16

_SEPARATOR = re.compile(r"--+|[\s.,:;!?()\[\]\"]+")
_WORD = re.compile(rf"[a-z]{{{MIN_LETTERS},{MAX_LETTERS}}}")


def spoken_lines(text: str) -> Iterator[str]:
    """Yield the lines of a play's text, without blank lines and speaker headings."""
    starts_paragraph = True
    for line in text.splitlines():
        line = line.strip()
        if line and not (starts_paragraph and line.endswith(":")):
            yield line
        starts_paragraph = not line


def make_words(text: str, min_count: int = MIN_COUNT) -> list[str]:
    """Return, sorted, the words that text has in lower case min_count times or more."""
    counts: Counter[str] = Counter()
    for line in spoken_lines(text):
        counts.update(token for token in _SEPARATOR.split(line) if _WORD.fullmatch(token))
    return sorted(word for word, count in counts.items() if count >= min_count)


def _positive(text: str) -> int:
    """Read a command-line count: a whole number, 1 or more."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number, 1 or more, not {text!r}")
    return value


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(
        description="Make a sorted list of English words, one per line, from a play's text."
    )
    parser.add_argument("text", type=Path, help="the text to read (UTF-8)")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="the list to write (standard output unless given)"
    )
    parser.add_argument(
        "--min-count",
        type=_positive,
        default=MIN_COUNT,
        metavar="N",
        help="keep words found at least N times (default: %(default)s)",
    )
    args = parser.parse_args(argv)

    try:
        text = args.text.read_text(encoding="utf-8")
    except OSError as error:
        print(f"make_words: cannot read {args.text}: {error.strerror}", file=sys.stderr)
        return 1
    except UnicodeDecodeError as error:
        print(f"make_words: {args.text} is not UTF-8 text (byte {error.start})", file=sys.stderr)
        return 1

    words = make_words(text, args.min_count)
    if not words:
        print(
            f"make_words: no word occurs {args.min_count} times or more in {args.text}",
            file=sys.stderr,
        )
        return 1

    # Bytes, so that the line ends are LF on every system.
    data = "".join(word + "\n" for word in words).encode("ascii")
    if args.out is None:
        sys.stdout.buffer.write(data)
        return 0
    try:
        args.out.write_bytes(data)
    except OSError as error:
        print(f"make_words: cannot write {args.out}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{args.out}: {len(words):,} words", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
