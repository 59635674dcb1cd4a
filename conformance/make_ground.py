"""Vectors of what every engine stands on: random stream, tokens, order, schedule, held-out hash."""

from __future__ import annotations

import hashlib
import math
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from conformance.reference import Json, run

from microgpt.batches import Order, TokenTable
from microgpt.config import make_config
from microgpt.data import fnv1a32, load_data, split
from microgpt.errors import TokenError
from microgpt.tokenizer import Tokenizer

BELOW_ONE = 1 - 2**-53  # the largest number that random() returns


def digest(texts: Sequence[str]) -> str:
    """SHA-256 of texts, each followed by a newline, in UTF-8."""
    return hashlib.sha256("".join(f"{t}\n" for t in texts).encode()).hexdigest()


def play(rng: random.Random, calls: Sequence[Sequence[Any]]) -> list[Any]:
    """What a stream returns for a list of calls; skipped draws return null."""
    results: list[Any] = []
    for name, *args in calls:
        if name == "skip":
            for _ in range(args[0]):
                rng.random()
            results.append(None)
        elif name == "shuffle":
            items = list(range(args[0]))
            rng.shuffle(items)
            results.append(items)
        elif name == "choices":
            weights, count = args
            results.append(rng.choices(range(len(weights)), weights, k=count))
        else:  # random, gauss, randrange, getrandbits
            results.append(getattr(rng, name)(*args))
    return results


def random_stream() -> Json:
    three = [["random"]] * 3
    programs = [
        ("seed_0", 0, three, "0 is a seed like any other: init_by_array of one word 0"),
        ("seed_1", 1, three, "a plain seed"),
        ("seed_42", 42, three, "the seed of every published run"),
        ("seed_half", 2**31, three, "the sign bit of a 32-bit integer is part of the seed"),
        ("seed_most", 2**32 - 1, three, "the largest seed that a run accepts"),
        (
            "words",
            42,
            [["getrandbits", 32]] * 4,
            "the generator's raw words; random() takes two, 27 and 26 bits of them",
        ),
        (
            "bits",
            42,
            [["getrandbits", k] for k in (1, 5, 15, 31, 32)],
            "the upper k bits of a word; shuffle and randrange are made of this",
        ),
        (
            "refill",
            42,
            [["skip", 311], ["random"], ["random"], ["skip", 4685], ["random"], ["random"]],
            "the 624 words are renewed after 312 draws; draw 5,000 and a block further",
        ),
        (
            "gauss_pairs",
            42,
            [["gauss", 0, 0.08]] * 4 + [["gauss", 0, 1.0]] * 3,
            "gauss makes two at a time and keeps the second for the next call, "
            "whose mean and deviation count",
        ),
        (
            "gauss_kept",
            42,
            [["gauss", 0, 1.0], ["random"], ["gauss", 0, 1.0], ["random"], ["gauss", 1.0, 2.0]],
            "the kept half survives other draws, and comes without a draw of its own",
        ),
        (
            "gauss_zero",
            42,
            [["gauss", 0, 0.0], ["gauss", 0, 0.02], ["random"]],
            "deviation 0 gives 0 and draws all the same (attn_wo and mlp_fc2 of preset early)",
        ),
        (
            "shuffles",
            42,
            [["shuffle", n] for n in (0, 1, 2, 3, 10)] + [["random"]],
            "from the last item down, each swapped with one at or before it; "
            "0 and 1 items draw nothing",
        ),
        (
            "randrange",
            42,
            [["randrange", n] for n in (1, 2, 3, 7, 8, 32033, 1115378, 2**31, 2**31 + 1)]
            + [["random"]],
            "starts of windows: draws bits until the number is in range; "
            "even randrange(1) draws, and powers of two take one bit more than they need",
        ),
        (
            "choices",
            42,
            [
                ["choices", [1.0], 2],
                ["choices", [0.5, 0.25, 0.25], 5],
                ["choices", [0.0, 1.0, 0.0, 3.0, 0.0], 6],
                ["random"],
            ],
            "one draw a choice, also where there is nothing to choose; zero weights never come",
        ),
    ]
    return {
        "about": "Python's random: what a list of calls answers after seed(seed). gauss may "
        "differ by 4 ulp where cos, log and sqrt do; all else is exact.",
        "cases": [
            {
                "name": name,
                "why": why,
                "seed": seed,
                "calls": calls,
                "results": play(random.Random(seed), calls),
            }
            for name, seed, calls, why in programs
        ],
    }


class _Fixed(random.Random):
    """A stream that always draws the same."""

    def __init__(self, uniform: float) -> None:
        super().__init__()
        self.uniform = uniform

    def random(self) -> float:
        return self.uniform


def choices() -> Json:
    table = [
        ("low", [0.2, 0.3, 0.5], 0.0, "the smallest draw takes the first"),
        ("high", [0.2, 0.3, 0.5], BELOW_ONE, "the largest draw takes the last"),
        ("on_the_edge", [1.0, 1.0, 2.0], 0.25, "equal to a sum: takes the next (bisect_right)"),
        ("below_the_edge", [1.0, 1.0, 2.0], 0.25 - 2**-54, "a hair less still takes the first"),
        ("leading_zeros", [0.0, 0.0, 1.0, 1.0], 0.0, "a zero weight isn't taken even by draw 0"),
        ("inner_zero", [1.0, 0.0, 1.0], 0.5, "an edge with a zero weight on it is stepped over"),
        ("trailing_zeros", [1.0, 1.0, 0.0, 0.0], BELOW_ONE, "nor by the largest draw"),
        ("not_normalised", [3.0, 5.0, 8.0], 0.4, "the draw is multiplied by their sum"),
        ("rounded_sum", [0.1] * 10, BELOW_ONE, "ten times 0.1, left to right, is less than 1"),
        (
            "clamped",
            [5e-324, 0.0],
            BELOW_ONE,
            "the product rounds up to the whole sum: the index stops at the last, "
            "though its weight is 0",
        ),
        ("one", [7.0], 0.9, "one weight leaves no choice"),
    ]  # fmt: skip
    return {
        "about": "random.choices with a given draw: sums from left to right, the first that is "
        "greater than uniform * total, at most the last index. Exact.",
        "cases": [
            {
                "name": name,
                "why": why,
                "weights": weights,
                "uniform": uniform,
                "index": _Fixed(uniform).choices(range(len(weights)), weights)[0],
            }
            for name, weights, uniform, why in table
        ],
    }


def _encoded(tokenizer: Tokenizer, text: str) -> Json:
    try:
        return {"text": text, "tokens": tokenizer.encode(text)}
    except TokenError:
        at = next(i for i, c in enumerate(text) if c not in tokenizer.uchars)
        return {
            "text": text,
            "error": "TokenError",
            "position": at,
            "skipped": tokenizer.encode(text, unknown="skip"),
        }


def tokenizer() -> Json:
    table: list[tuple[str, list[str], list[str], str]] = [
        (
            "letters",
            ["emma", "ava", "zoe"],
            ["ava", "", "zzz", "b", "av a"],
            "every distinct character once, in order; the empty text is no tokens",
        ),
        (
            "alphabet",
            ["the quick brown fox jumps over the lazy dog".replace(" ", "")],
            ["yuheng", "Yuheng", "renée"],
            "a to z are 0 to 25 and BOS is 26; capitals and accents are unknown",
        ),
        (
            "mixed",
            ["aB", "b-A", "0 é"],
            ["A-a", "é0", "\u00c9"],
            "code points decide: space, -, digits, capitals, small letters, accents",
        ),
        (
            "astral",
            ["\U0001f600\ufb01", "\uffee"],
            ["\U0001f600", "\ufb01\U0001f600", "\U0001f600\U0001f601", "\U0001f601"],
            "by code points an emoji comes after U+FFEE, by UTF-16 units it would come before; "
            "positions count code points",
        ),
        (
            "combining",
            ["e\u0301", "\u00e9"],
            ["e\u0301\u00e9", "\u0301", "e"],
            "the same accent written in two ways stays two things: no normalisation",
        ),
        (
            "family",
            ["\U0001f468\u200d\U0001f469\u200d\U0001f467"],
            ["\U0001f469", "\u200d\u200d", "\U0001f468\u200d\U0001f467"],
            "one picture of five code points is five tokens",
        ),
        (
            "separators",
            ["a\tb", "c\u2028d\x0b"],
            ["\t", "\u2028", "\n"],
            "white space inside a document is text like any other",
        ),
        ("one_character", ["x", "xxx"], ["x", "xx", "y"], "a vocabulary of one and BOS"),
    ]
    cases = []
    for name, docs, texts, why in table:
        made = Tokenizer.of(docs)
        cases.append(
            {
                "name": name,
                "why": why,
                "docs": docs,
                "code_points": [ord(c) for c in made.uchars],
                "bos": made.bos,
                "vocab_size": made.vocab_size,
                "documents": [made.encode_document(doc) for doc in docs],
                "encode": [_encoded(made, text) for text in texts],
            }
        )
    return {
        "about": "Vocabulary of some documents, and texts encoded with it. An unknown character "
        "is an error at a position counted in code points, or is left out (skipped). Exact.",
        "cases": cases,
    }


def holdout() -> Json:
    texts = ["", "a", "b", "foobar", "emma", "yuheng", "renée", "\U0001f600", "a b", "\n", "é" * 40]
    names = load_data("names").docs
    parts = []
    for fraction, validation in ((0.1, False), (0.1, True), (0.5, False)):
        kept = split(names, fraction, validation)
        parts.append(
            {
                "fraction": fraction,
                "validation": validation,
                "train": _part(kept.train),
                "holdout": _part(kept.holdout),
                "chosen": _part(kept.validation),
            }
        )
    small = ["emma", "ava", "zoe", "ava", "ida", "mia", "ava", "lee", "max", "kim", "ben", "tom"]
    edge = sorted(fnv1a32(t) / 2**32 for t in set(small))[3]
    few = split(small, edge, True)
    return {
        "about": "FNV-1a, 32 bits, of a text's UTF-8 bytes, and the documents that are held out: "
        "hash / 2^32 < fraction; for validation fraction <= hash / 2^32 < 2 * fraction. Exact.",
        "cases": [
            {
                "name": "hashes",
                "why": "'' (the offset), 'a' and 'foobar' are the published test values; bytes, "
                "not characters, are hashed",
                "hashes": [[text, fnv1a32(text)] for text in texts],
            },
            {
                "name": "names",
                "why": "the bundled list: 32,033 documents, 29,494 distinct; counts, the first "
                "few, and the SHA-256 of all, each followed by a newline",
                "splits": parts,
            },
            {
                "name": "edge",
                "why": "a hash equal to the fraction stays in training (or goes to validation); "
                "duplicates go with their text, and count once where they are held out",
                "docs": small,
                "fraction": edge,
                "train": few.train,
                "holdout": few.holdout,
                "chosen": few.validation,
            },
        ],
    }


def _part(docs: list[str]) -> Json:
    return {"count": len(docs), "first": docs[:6], "sha256": digest(docs)}


def shuffle() -> Json:
    start = run("final")
    lengths = Counter(len(doc) for doc in start.docs)
    return {
        "about": "The bundled names in the order of seed 42: what every published run trains on. "
        "Exact.",
        "cases": [
            {
                "name": "names_42",
                "why": "the first six are published; the digest fixes the rest",
                "seed": 42,
                "data_sha256": start.sha256,
                "documents": len(start.docs),
                "distinct": len(set(start.docs)),
                "longest": max(lengths),
                "first": start.docs[:6],
                "sha256": digest(start.docs),
            }
        ],
    }


def batches() -> Json:
    docs = ["ab", "", "cabba", "c", "bacab"]
    docs_line = ["abcabcabcabc", "cab"]
    table = [
        (
            "one_a_step",
            docs,
            {"block_size": 8, "batch_size": 1},
            7,
            "step s takes row s mod N; an empty document is BOS, BOS",
        ),
        (
            "three_a_step",
            docs,
            {"block_size": 8, "batch_size": 3},
            4,
            "step s takes rows s*B + j mod N: a batch runs over the end of the list",
        ),
        (
            "larger_than_list",
            docs[:2],
            {"block_size": 8, "batch_size": 5},
            2,
            "a batch may hold a document several times",
        ),
        (
            "cut",
            docs,
            {"block_size": 3, "batch_size": 2},
            3,
            "the first block_size + 1 tokens: long documents lose their end, BOS included",
        ),
        (
            "windows",
            docs_line,
            {"block_size": 4, "batch_size": 2, "long": "window"},
            3,
            "starts drawn by randrange over documents that share the BOS between them",
        ),
        (
            "two_windows",
            ["abc"],
            {"block_size": 3, "batch_size": 1, "long": "window"},
            5,
            "a window may start so late that it ends with the last BOS",
        ),
        (
            "one_window",
            ["ab"],
            {"block_size": 3, "batch_size": 1, "long": "window"},
            2,
            "the only window there is; it draws all the same",
        ),
    ]
    cases = []
    for name, texts, changes, steps, why in table:
        made = Tokenizer.of(texts)
        config = make_config(vocab_size=made.vocab_size, steps=steps, **changes)
        rng = random.Random(7)
        out = Order(TokenTable(texts, made), config, rng).batches(0, steps)
        first, step_docs = 0, []
        for count in out.documents.tolist():
            step_docs.append(out.docs(first, count))
            first += count
        cases.append(
            {
                "name": name,
                "why": why,
                "docs": texts,
                **changes,
                "seed": 7,
                "steps": step_docs,
                "positions": out.positions.tolist(),
                "next_random": rng.random(),
            }
        )
    return {
        "about": "Which token ids each step takes from documents in their order, how many "
        "positions that is, and what the stream draws next. Exact.",
        "cases": cases,
    }


def schedule() -> Json:
    table = [
        ("linear", {"schedule": "linear", "steps": 1000}, "preset final: falls to lr / steps"),
        ("cosine", {"schedule": "cosine", "steps": 500}, "preset early: half a cosine"),
        ("constant", {"schedule": "constant", "steps": 10}, "no fall"),
        (
            "warmup",
            {"schedule": "linear", "steps": 100, "warmup": 10},
            "the schedule times (step + 1) / warmup while step < warmup",
        ),
        ("one_step", {"schedule": "cosine", "steps": 1}, "the shortest run uses the full rate"),
    ]
    cases = []
    for name, changes, why in table:
        config = make_config(**changes)
        last = config.steps - 1
        at = sorted(
            {s for s in (0, 1, 2, 9, 10, 11, 61, last // 2, last - 1, last) if 0 <= s <= last}
        )
        cases.append(
            {
                "name": name,
                "why": why,
                "lr": config.lr,
                "warmup": config.warmup,
                **changes,
                "at": [[step, config.lr_at(step)] for step in at],
            }
        )
    assert math.isclose(make_config("early").lr_at(250), 0.005)
    return {"about": "Learning rate by step, counted from 0. Within 4 ulp (cos).", "cases": cases}


FILES = {
    "random_stream": random_stream,
    "choices": choices,
    "tokenizer": tokenizer,
    "holdout": holdout,
    "shuffle": shuffle,
    "batches": batches,
    "schedule": schedule,
}
