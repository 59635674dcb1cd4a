"""The bot: one request per line in, exactly one answer per line out, with a rail on either side.

::

    j            OK: jonan                       a prefix, a name
    a b c        OK: aran, brin, carie           several, in order
                 OK: kanan                       a blank line: one name from the beginning
    APPL!        REFUSE: one sentence            what the policy forbids
    !!!          REFUSE: input had no usable letters (a-z).

A request passes the request rail; then names are sampled for each prefix until the output rail lets
one through. If the tries run out first, the whole line is refused.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from microgpt.engines.base import Engine
from microgpt.engines.drawing import Guard, Sampler
from microgpt.guard.automaton import Automaton
from microgpt.guard.policy import Policy
from microgpt.guard.rails import Rails
from microgpt.sampling import Settings
from microgpt.stream import uniforms
from microgpt.tokenizer import Tokenizer

MOST_BYTES = 2**20  # of a line; the rest of a longer one is discarded as it arrives
_PIECE = 2**16  # bytes read at once
_DRAWS = 2**14  # random numbers drawn in advance
_NAMES = 256  # names sampled in one call of the engine, as long as all of them pass
_LINES = 256  # lines answered before the answers are flushed


@dataclass(frozen=True)
class Answer:
    """What the bot says to one line: names, or the reason why not.

    ``held_back``: how many names were sampled along the way but not let through, including empty
    ones.
    """

    names: tuple[str, ...] = ()
    refusal: str | None = None
    held_back: int = 0

    @property
    def line(self) -> str:
        """The answer as the protocol wants it, one line without its line break."""
        if self.refusal is not None:
            return f"REFUSE: {self.refusal}"
        return "OK: " + ", ".join(map(_one_line, self.names))


@dataclass
class _Request:
    """A line being answered: the tokens forced on each name, and the names so far."""

    forced: list[list[int]] = field(default_factory=list)
    refusal: str | None = None
    names: list[str] = field(default_factory=list)
    held_back: int = 0
    tries: int = 0  # for the name that is being sampled

    @property
    def done(self) -> bool:
        return self.refusal is not None or len(self.names) == len(self.forced)

    @property
    def answer(self) -> Answer:
        names = () if self.refusal is not None else tuple(self.names)
        return Answer(names, self.refusal, self.held_back)


class Bot:
    """A model between two rails.

    ``constrained``: the engine never completes one of the policy's words (``guard.automaton``), so
    that next to nothing is left for the output rail to hold back. Tries and temperature are the
    policy's. Random numbers come from ``rng``, in the order of the requests: the answers don't
    depend on how many lines are asked at once. Raises what ``Rails`` and ``Automaton`` raise.
    """

    def __init__(
        self,
        engine: Engine,
        tokenizer: Tokenizer,
        policy: Policy,
        rng: random.Random,
        *,
        constrained: bool = False,
    ) -> None:
        self.engine = engine
        self.tokenizer = tokenizer
        self.policy = policy
        self.rails = Rails(policy, tokenizer.uchars)
        self.temperature = Settings(policy.temperature).temperature
        self.most = engine.config.block_size
        self.guard: Guard | None = None
        if constrained:
            plain = self.rails.normal.word  # the output rail looks for words in this form
            groups = [
                ((*category.words, *map(plain, category.words)), category.match)
                for category in policy.categories
            ]
            automaton = Automaton.of_groups(groups, tokenizer, fold_case=policy.case)
            self.guard = automaton.guard(self.most)
        self._no_letters = f"input had no usable letters ({_letters(tokenizer)})."
        self._has_capitals = any(char != char.lower() for char in tokenizer.uchars)
        self._draws = _Draws(rng)
        self._at_once = 1

    def prefixes(self, line: str) -> list[str] | None:
        """The prefixes that a line asks for; None if it isn't blank but has no usable letter.

        In lower case if the vocabulary has no capitals, split at white space, without the
        characters that the model doesn't know. A blank line asks for one name, from ``""``.
        """
        typed = self._typed(line)
        ids = self.tokenizer.ids
        kept = ["".join(char for char in token if char in ids) for token in typed]
        return [prefix for prefix in kept if prefix] or (None if typed else [""])

    def _typed(self, line: str) -> list[str]:
        return (line if self._has_capitals else line.lower()).split()

    def answer(self, line: str) -> Answer:
        """The answer to one line."""
        return next(self.answers([line]))

    def answers(self, lines: Iterable[str]) -> Iterator[Answer]:
        """The answers to many lines: the same as one by one, but several times as fast."""
        requests = [self._request(line) for line in lines]
        waiting = deque(requests)
        for request in requests:
            while not request.done:
                while waiting[0].done:
                    waiting.popleft()
                self._draw(waiting)
            yield request.answer

    def _request(self, line: str) -> _Request:
        prefixes = self.prefixes(line)
        if prefixes is None:
            return _Request(refusal=self._no_letters)
        reason = self.rails.request(prefixes, self._typed(line))
        if reason is not None:
            return _Request(refusal=reason)
        return _Request([self.tokenizer.encode(prefix[: self.most]) for prefix in prefixes])

    def _draw(self, waiting: Iterable[_Request]) -> None:
        """Sample the next names of the requests, in order, up to the first that is held back.

        The names after that one began at a random number that its next try now uses, so they are
        discarded and sampled again.
        """
        jobs = list(islice(_jobs(waiting), self._at_once))
        draws = self._draws.ahead(len(jobs) * self.most).reshape(len(jobs), self.most)
        found, _ = self.engine.sample(
            [forced for _, forced in jobs],
            Sampler(self.temperature, guard=self.guard),
            draws,
        )
        self._at_once = min(2 * self._at_once, _NAMES)
        for (request, forced), tokens in zip(jobs, found, strict=True):
            self._draws.use(len(tokens) - len(forced) + (len(tokens) < self.most))
            name = self.tokenizer.decode(tokens)
            if name and self.rails.name_ok(name):
                request.names.append(name)
                request.tries = 0
                continue
            request.held_back += 1
            request.tries += 1
            if request.tries == self.policy.tries:
                request.refusal = f"no acceptable name was found in {request.tries} tries."
            self._at_once = 1
            break


def _jobs(waiting: Iterable[_Request]) -> Iterator[tuple[_Request, list[int]]]:
    """The names that are still to be sampled, in order: their request, and what is forced."""
    for request in waiting:
        if request.refusal is None:
            for at in range(len(request.names), len(request.forced)):
                yield request, request.forced[at]


class _Draws:
    """Uniform numbers from a stream: drawn ahead in bulk, and taken in order as they are used."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.drawn: npt.NDArray[np.float64] = np.zeros(0, np.float64)
        self.at = 0

    def ahead(self, count: int) -> npt.NDArray[np.float64]:
        """The next ``count`` numbers [count], not used yet."""
        if self.at + count > len(self.drawn):
            more = uniforms(self.rng, max(count, _DRAWS))
            self.drawn = np.concatenate([self.drawn[self.at :], more])
            self.at = 0
        return self.drawn[self.at : self.at + count]

    def use(self, count: int) -> None:
        """Use up the next ``count``."""
        self.at += count


def serve(bot: Bot, source: BinaryIO, sink: BinaryIO) -> None:
    """Answer every line of ``source`` on ``sink`` until it ends; each answer is flushed.

    Lines end with LF or CR LF, which the last one may lack. NUL, and whatever isn't UTF-8, is
    dropped like any character outside the vocabulary. A line above ``MOST_BYTES`` is refused. Lines
    that are already waiting are answered together, and the answers come out in order.
    """
    for group in _groups(source):
        known = [line.decode("utf-8", "replace") for line in group if line is not None]
        answers = bot.answers(known)
        said = [(_TOO_LONG if line is None else next(answers)).line for line in group]
        sink.write("".join(f"{line}\n" for line in said).encode("utf-8", "replace"))
        sink.flush()


_TOO_LONG = Answer(refusal=f"the line is longer than {MOST_BYTES:,} bytes.")


def _groups(source: BinaryIO) -> Iterator[list[bytes | None]]:
    """Lines that have arrived, a few at a time; None for one that is too long."""
    read = getattr(source, "read1", source.read)  # what is there, without waiting for more
    kept, too_long = bytearray(), False
    while piece := read(_PIECE):
        *ended, rest = piece.split(b"\n")
        group: list[bytes | None] = []
        for part in ended:
            kept += part
            group.append(None if too_long or len(kept) > MOST_BYTES else bytes(kept))
            kept, too_long = bytearray(), False
        kept += rest
        if len(kept) > MOST_BYTES:
            kept, too_long = bytearray(), True
        for first in range(0, len(group), _LINES):
            yield group[first : first + _LINES]
    if kept or too_long:
        yield [None if too_long else bytes(kept)]


def _letters(tokenizer: Tokenizer) -> str:
    """The vocabulary in short: ``a-z``."""
    chars = tokenizer.uchars
    if len(chars) > 2 and ord(chars[-1]) - ord(chars[0]) == len(chars) - 1:
        return f"{_one_line(chars[0])}-{_one_line(chars[-1])}"
    return tokenizer.describe()


def _one_line(text: str) -> str:
    """The text with line breaks and other control characters escaped."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _demo() -> None:
    from microgpt.opening import engine_for, open_model

    opened, _ = open_model(None)
    bot = Bot(engine_for(opened), opened.characters, Policy.shipped(), random.Random(42))
    for line in ("j", "a b c", "", "j!", "APPL", "a-p-p-l", "!!!", "alim"):
        print(f"{line:<8} {bot.answer(line).line}")


if __name__ == "__main__":
    _demo()
