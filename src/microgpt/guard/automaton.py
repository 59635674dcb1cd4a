"""Banned words as an automaton over tokens: run alongside the sampler, it makes them impossible.

The automaton (Aho-Corasick) reads a text token by token and always knows the longest suffix of what
it has read that is a prefix of a banned word. So it can say of every possible next token whether it
would complete one; ``Automaton.guard`` masks these tokens in an engine. Why nothing banned can then
come out, and which distribution the samples follow, is explained in ``notes/guard.md``.

Shapes: S states, V tokens (BOS is the last). State 0 is the start.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from microgpt.engines.base import Engine
from microgpt.engines.drawing import Guard
from microgpt.errors import InputError
from microgpt.sampling import Settings, sample
from microgpt.tokenizer import Tokenizer

MATCHES = ("substring", "word", "prefix")
MOST_ENTRIES = 2**26
"""The most entries, states × vocabulary, that an automaton's table may have."""
BEGINS = 3
"""A request that ends in this many letters of a banned word's beginning is no longer harmless.

Two would cast doubt on one name in five: with kaki, nashi and raisin on the list, all that end in
ka, na and ra, although fewer than one in 250 names that the model writes from them hold a fruit.
"""
_EDGE = -1  # the symbol at both ends of a word while the trie is built


@dataclass(frozen=True, eq=False)
class Automaton:
    """Whether a text contains a banned word, or is about to.

    ``next`` [S, V] int32: the state after a token. BOS ends the text and leads back to state 0,
    or to the hit state if the end completes a word. ``hit`` [S] bool: a banned word has been
    completed; there is at most one such state, and no token leads out of it. ``depth`` [S] int32:
    length in characters of the longest suffix of the text that begins a banned word.
    ``tokenizer``: the one whose tokens these are.
    """

    next: npt.NDArray[np.int32]
    hit: npt.NDArray[np.bool_]
    depth: npt.NDArray[np.int32]
    tokenizer: Tokenizer
    _guards: dict[int | None, Guard] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        words: Iterable[str],
        tokenizer: Tokenizer,
        match: str = "substring",
        *,
        fold_case: bool = False,
    ) -> Automaton:
        """The automaton of a list of words.

        A word with a character unknown to the model can't come out, and is left out.

        ``match``: "substring" finds a word anywhere; "word" only where no letter or digit is next
        to it; "prefix" only at the beginning of a word. ``fold_case``: capitals count as lower
        case (matters only if the vocabulary has both).

        Raises ``InputError`` for an unknown ``match``, an empty word, or too large a table.
        """
        return cls.of_groups([(words, match)], tokenizer, fold_case=fold_case)

    @classmethod
    def of_groups(
        cls,
        groups: Iterable[tuple[Iterable[str], str]],
        tokenizer: Tokenizer,
        *,
        fold_case: bool = False,
    ) -> Automaton:
        """The same for several lists at once, each with its ``match``."""
        chars = [c.lower() if fold_case and len(c.lower()) == 1 else c for c in tokenizer.uchars]
        edges = [not c.isalnum() for c in chars]
        symbol_of = {c: i for i, c in enumerate(dict.fromkeys(chars))}
        is_edge = {symbol_of[c]: edge for c, edge in zip(chars, edges, strict=True)}
        patterns = set()
        for words, match in groups:
            if match not in MATCHES:
                raise InputError(f"match is {match!r}, must be one of {', '.join(MATCHES)}.")
            for word in words:
                if not word:
                    raise InputError("A banned word is empty: that would ban every text.")
                folded = word.lower() if fold_case else word
                if all(c in symbol_of for c in folded):
                    patterns.add(_pattern([symbol_of[c] for c in folded], is_edge, match))
        table, hit, depth, ends_in_edge = _trie(patterns, len(symbol_of), tokenizer.vocab_size)
        symbols = np.array([symbol_of[c] for c in chars], np.intp)
        steps, start = _token_steps(table, hit, ends_in_edge, symbols, np.array(edges))
        order = _reachable(steps, hit, start)
        place = np.full(len(steps), -1, np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        kept_hit = hit[order]
        if kept_hit.any():  # all completed words are one state
            place[hit] = int(np.flatnonzero(kept_hit)[0])
        return cls(place[steps[order]], kept_hit, depth[order], tokenizer)

    def state(self, tokens: Sequence[int], state: int = 0) -> int:
        """The state after ``tokens``, from ``state`` on."""
        for token in tokens:
            state = int(self.next[state, token])
        return state

    def contains(self, text: str) -> bool:
        """Whether the whole text holds a banned word, characters unknown to the model left out."""
        tokens = [*self.tokenizer.encode(text, unknown="skip"), self.tokenizer.bos]
        return bool(self.hit[self.state(tokens)])

    def begins(self, text: str, at_least: int = BEGINS) -> bool:
        """Whether a suffix of ``text`` with ``at_least`` letters or more begins a banned word.

        Also true if the text already contains one.
        """
        state = self.state(self.tokenizer.encode(text, unknown="skip"))
        return bool(self.hit[state] or self.depth[state] >= at_least)

    def guard(self, length: int | None = None) -> Guard:
        """The tables that keep an engine from completing a banned word.

        Every token is banned that would complete one, or after which a banned word could no longer
        be avoided. ``length``: the most tokens of a sample, if being cut there ends the text as BOS
        would; it matters only for "word", where the end can complete a word, and None ignores the
        cut.

        Text that already contains a banned word (forced tokens can) may only end: see ``check``.
        Raises ``InputError`` if no text at all is left.
        """
        ends_well = ~self.hit[self.next[:, -1]]
        if length is not None and bool((ends_well | self.hit).all()):
            length = None  # the end completes no word
        if length not in self._guards:
            self._guards[length] = self._make_guard(ends_well, length)
        return self._guards[length]

    def _make_guard(self, ends_well: npt.NDArray[np.bool_], length: int | None) -> Guard:
        letters = self.next[:, :-1]
        if length is None:
            safe = ends_well & ~self.hit
            while True:
                more = safe | (~self.hit & safe[letters].any(axis=1))
                if bool((more == safe).all()):
                    break
                safe = more
            moves = self.next.copy()
            allowed = np.column_stack([safe[letters], ends_well])
        else:
            moves, allowed, safe = self._unrolled(ends_well, length)
        if not safe[0]:
            raise InputError("The banned words leave no text at all that could be written.")
        allowed[~safe] = False
        allowed[~safe, -1] = True
        return Guard(moves, ~allowed)

    def _unrolled(
        self, ends_well: npt.NDArray[np.bool_], length: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Transitions, allowed tokens and safe states if a state also counts the tokens so far."""
        states, vocab = self.next.shape
        entries = states * (length + 1) * vocab
        if length < 1 or entries > MOST_ENTRIES:
            raise InputError(
                f"Banning whole words up to a length of {length:,} takes a table of {entries:,} "
                f"entries; at most {MOST_ENTRIES:,} are allowed.",
                "Ban them with match = substring, or ask for shorter texts.",
            )
        letters = self.next[:, :-1]
        safe = np.zeros((length + 1, states), np.bool_)
        allowed = np.zeros((length + 1, states, vocab), np.bool_)
        safe[length] = ends_well & ~self.hit
        for n in reversed(range(length)):
            allowed[n, :, :-1] = safe[n + 1][letters]
            allowed[n, :, -1] = ends_well
            safe[n] = ~self.hit & allowed[n].any(axis=1)
        allowed[length, :, -1] = True
        after = np.minimum(np.arange(length + 1) + 1, length) * states
        moves = self.next[None] + after[:, None, None].astype(np.int32)
        moves[:, :, -1] = self.next[:, -1]
        whole = moves.reshape(-1, vocab), allowed.reshape(-1, vocab), safe.reshape(-1)
        order = _reachable(whole[0], np.zeros(len(whole[0]), np.bool_), 0)
        place = np.full(len(whole[0]), -1, np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        return place[whole[0][order]], whole[1][order], whole[2][order]

    def check(self, prefix: str, length: int | None = None) -> None:
        """``InputError`` if no safe text begins with ``prefix``; see ``guard`` for ``length``.

        Raises ``TokenError`` for characters unknown to the model.
        """
        tokens = self.tokenizer.encode(prefix)[:length]
        if self.hit[self.state(tokens)]:
            raise InputError(f"The prefix {prefix!r} already contains a banned word.")
        guard, state = self.guard(length), 0
        for token in tokens:
            if guard.banned[state, token]:
                raise InputError(f"Every text that begins with {prefix!r} contains a banned word.")
            state = int(guard.next[state, token])


def sample_guarded(
    engine: Engine,
    automaton: Automaton,
    rng: random.Random,
    count: int = 20,
    *,
    prefix: str = "",
    settings: Settings | None = None,
) -> list[str]:
    """``sampling.sample``, with every token banned that would complete a banned word.

    Raises ``InputError`` for a prefix that already contains one, ``TokenError`` for one with
    characters unknown to the model.
    """
    settings = settings or Settings()
    length = settings.length or engine.config.block_size
    automaton.check(prefix, length)
    return sample(
        engine,
        automaton.tokenizer,
        rng,
        count,
        prefix=prefix,
        settings=settings,
        guard=automaton.guard(length),
    )


# ------------------------------------------------------------------ how the tables are made

# A text is read as symbols: its characters, and an edge at both ends of every run of letters and
# digits and of the whole text: "a fig" is | a | ␣ | f i g |. So "word" is the pattern | f i g |,
# "prefix" is | f i g, and "substring" f i g: all three are then plain substrings of the symbols.


def _pattern(symbols: Sequence[int], is_edge: dict[int, bool], match: str) -> tuple[int, ...]:
    """The symbols of a banned word, with edges where a text that contains it would have them."""
    result = [_EDGE] if match in ("word", "prefix") else []
    for i, symbol in enumerate(symbols):
        if i and (is_edge[symbol] or is_edge[symbols[i - 1]]):
            result.append(_EDGE)
        result.append(symbol)
    if match == "word":
        result.append(_EDGE)
    return tuple(result)


def _trie(
    patterns: Iterable[tuple[int, ...]], symbols: int, vocab: int
) -> tuple[
    npt.NDArray[np.int32], npt.NDArray[np.bool_], npt.NDArray[np.int32], npt.NDArray[np.bool_]
]:
    """Aho-Corasick over symbols: transitions, hits, depths and edges of N nodes.

    Transitions [N, symbols + 1], the edge in the last column; whether a node completes a pattern
    [N]; its depth in characters [N]; whether its last symbol was an edge [N].
    """
    children: list[dict[int, int]] = [{}]
    ends = [False]
    for pattern in sorted(patterns):
        node = 0
        for symbol in pattern:
            if symbol not in children[node]:
                children[node][symbol] = len(children)
                children.append({})
                ends.append(False)
            node = children[node][symbol]
        ends[node] = True
    count = len(children)
    if count * max(vocab, symbols + 1) > MOST_ENTRIES:
        raise InputError(
            f"The banned words take {count:,} states with {vocab:,} tokens each; at most "
            f"{MOST_ENTRIES:,} entries are allowed.",
            "Use a shorter list of words.",
        )
    table = np.zeros((count, symbols + 1), np.int32)
    hit = np.array(ends)
    depth = np.zeros(count, np.int32)
    edge = np.zeros(count, np.bool_)
    waiting = deque([(0, 0)])  # a node, and the node of its longest proper suffix
    while waiting:
        node, back = waiting.popleft()
        hit[node] |= hit[back]
        if node:
            table[node] = table[back]
        for symbol, child in children[node].items():
            # The root's children fall back to the root: no child has been entered in its row yet.
            waiting.append((child, int(table[node, symbol]) if node else 0))
            depth[child] = depth[node] + (symbol != _EDGE)
            edge[child] = symbol == _EDGE
        for symbol, child in children[node].items():
            table[node, symbol] = child
    table[hit] = np.flatnonzero(hit)[:, None]
    return table, hit, depth, edge


def _token_steps(
    table: npt.NDArray[np.int32],
    hit: npt.NDArray[np.bool_],
    ends_in_edge: npt.NDArray[np.bool_],
    symbols: npt.NDArray[np.intp],
    edges: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.int32], int]:
    """Transitions [N, V] by whole tokens, and the node where a text starts.

    ``symbols`` and ``edges`` [V - 1]: each character's symbol, and whether it separates words.
    """
    nodes = np.arange(len(table), dtype=np.int32)
    start = int(table[0, -1])
    closed = np.where(ends_in_edge, nodes, table[:, -1])  # an edge is there, or is put there
    steps = np.empty((len(table), len(symbols) + 1), np.int32)
    steps[:, :-1] = table[:, symbols]
    parting = np.flatnonzero(edges)
    steps[:, parting] = table[table[closed][:, symbols[parting]], -1]
    steps[:, -1] = np.where(hit[closed], closed, start)
    return steps, start


def _reachable(
    steps: npt.NDArray[np.int32], hit: npt.NDArray[np.bool_], start: int
) -> npt.NDArray[np.intp]:
    """Nodes that a text can reach from the start, nearest first; only one of the hit nodes."""
    seen = np.zeros(len(steps), np.bool_)
    seen[start] = True
    order = [np.array([start], np.intp)]
    hits: npt.NDArray[np.intp] = np.zeros(0, np.intp)
    while len(order[-1]):
        found = np.unique(steps[order[-1]]).astype(np.intp)
        found = found[~seen[found]]
        seen[found] = True
        hits = np.concatenate([hits, found[hit[found]]])
        order.append(found[~hit[found]])
    return np.concatenate([*order, hits[:1]])


def _demo() -> None:
    """The automaton of three fruits, and the shipped model under it."""
    from microgpt.opening import engine_for, open_model

    opened, _ = open_model(None)
    words = ["fig", "lime", "melon"]
    automaton = Automaton.of(words, opened.characters)
    print(f"{', '.join(words)}: {len(automaton.hit)} states over {len(automaton.next[0])} tokens")
    for text in ("mel", "camel", "melanie", "figaro"):
        state = automaton.state(opened.characters.encode(text))
        print(f"  {text:<8} state {state:>2}, {automaton.depth[state]} letters begin a word"
              f"{', holds one' if automaton.hit[state] else ''}")  # fmt: skip
    engine = engine_for(opened)
    settings = Settings(0.7)
    for name, drawn in (
        ("free", sample(engine, opened.characters, random.Random(42), 8, prefix="lim",
                        settings=settings)),
        ("guarded", sample_guarded(engine, automaton, random.Random(42), 8, prefix="lim",
                                   settings=settings)),
    ):  # fmt: skip
        print(f"  {name:<8} {' '.join(drawn)}")


if __name__ == "__main__":
    _demo()
