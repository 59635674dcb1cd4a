"""Vectors of byte pairs: merges, pieces, ids and texts, as the library ``tokenizers`` has them.

The one file here that comes from somebody else's program: byte-pair encoding is a standard that
many programs have to agree on, so it isn't for our own code to say what is right.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from typing import Any

from conformance.reference import Json

THERE = importlib.util.find_spec("tokenizers") is not None

_RHYME = [
    "How much wood would a woodchuck chuck if a woodchuck could chuck wood?",
    "He'd chuck, he would, as much as he could, and chuck as much wood as a woodchuck would.",
    "It's 42,195 metres; we're DON'T-ing, they'll say: 'tis l'été.  Two  spaces,\ttabs\t\tand\n\n",
]
_SCRIPTS = [
    "naïve café, Ελλάδα, Москва, ภาษาไทย, 東京都庁, हिन्दी, العربية ١٢٣",
    "½ Ⅷ ² ٣٧ e\u0301 vs é, l'été, л'é 's, 👩\u200d👩\u200d👧 👍🏽 🇫🇷",
    "東京 東京都 東京都庁, 東京!",
]
_SPACES = [
    "a\x1cb\x1d c\x1e\x1fd \x85 e\xa0f\xa0 g\u1680h\u2003\u2003i\u2028j\u2029k\u202fl\u205f",
    "m\u3000n \u3000 b\n \tc\r\n\r\n d \xa0\xa0e\u180ef\u200bg\ufeffh \x0b\x0c i  ",
    "j \x85k!\x85l \xa0m!\u3000n \x1fo",
]
_ODD = [
    "I'm 'm 'M I'M i'd've 'sis 'll'l ''s 'ſ",
    "can't cannot $1,000.00 <|bos|> _a_b -- 3rd 4x4 ...!?",
]
_RUNS = ["aaaaaaa aaa aa", "aaaaa baaab", "ababababa"]

_CASES: list[tuple[str, str, list[str], int, list[str]]] = [
    (
        "rhyme",
        "English: words with the space before them, what follows an apostrophe, numbers, signs",
        _RHYME,
        60,
        [*_RHYME, *_ODD, "woodwood", ""],
    ),
    (
        "scripts",
        "letters and numbers of all scripts, marks that are neither, emoji that are joined; tokens "
        "that are a part of a character",
        _SCRIPTS,
        60,
        [*_SCRIPTS, *_RHYME[2:], "都東"],
    ),
    (
        "spaces",
        "what is white space: the control characters 1C to 1F aren't, a no-break space is; the "
        "last of it goes with what follows if it is a plain space",
        _SPACES,
        20,
        _SPACES,
    ),
    (
        "ties",
        "of pairs that are equally frequent the one with the smaller ids comes first",
        ["zy yx xw", "ba ab cd dc", "zy ba"],
        12,
        ["ba zy xw abba zyxw"],
    ),
    (
        "runs",
        "in a run of one letter neighbouring pairs overlap: all are counted, and merged from the "
        "left",
        _RUNS,
        12,
        ["a" * n for n in range(9)],
    ),
    ("end", "more merges are wanted than there are pairs", ["abab", "ab"], 9, ["ababab"]),
    ("nothing", "no merges at all: every byte is a token", [""], 5, ["hé\0!"]),
]


def _trained(docs: Sequence[str], count: int) -> tuple[Any, list[list[int]]]:
    """The library's tokenizer, and its merges as ids."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=256 + count, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(docs, trainer)
    model = json.loads(made.to_str())["model"]
    ids = model["vocab"]
    return made, [[ids[left], ids[right]] for left, right in model["merges"]]


def _encoded(made: Any, text: str) -> Json:
    pieces = [text[a:b] for _, (a, b) in made.pre_tokenizer.pre_tokenize_str(text)]
    return {"text": text, "pieces": pieces, "tokens": made.encode(text).ids}


def _cut(made: Any, text: str) -> list[Json]:
    """What the tokens of a text say without the first of them, and without the last."""
    tokens = made.encode(text).ids
    parts = [tokens[at:to] for at in range(3) for to in (len(tokens), len(tokens) - 1)]
    return [{"tokens": part, "text": made.decode(part)} for part in parts if part]


def bytepairs() -> Json:
    cases = []
    for name, why, docs, asked, texts in _CASES:
        made, merges = _trained(docs, asked)
        cases.append(
            {
                "name": name,
                "why": why,
                "docs": docs,
                "asked": asked,
                "merges": merges,
                "encode": [_encoded(made, text) for text in texts],
                "decode": [one for text in ("👍é", "都都a") for one in _cut(made, text)],
            }
        )
    return {
        "about": "Byte-level byte-pair encoding as GPT-2 has it, trained on some documents. Tokens "
        "0 to 255 are the bytes 33 to 126, 161 to 172 and 174 to 255, then the other 68 from 0 on; "
        "token 256 + i is the pair merges[i]. asked: how many merges were wanted. encode: a text, "
        "the pieces that it is cut into, and its tokens. decode: tokens, and the text of their "
        "bytes, in which U+FFFD stands for what isn't UTF-8. Exact.",
        "cases": cases,
    }


FILES = {"bytepairs": bytepairs}
