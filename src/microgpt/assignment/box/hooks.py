"""A submission's functions, called from outside through a pipe."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple, Self

from microgpt.assignment.box.session import End, Session, event_words

_AT_ONCE = 512  # calls in one question
_TEXT = 500
_ROOM = 8192  # bytes that an answer may take: 500 characters, each written as up to 12
_FACTS_ROOM = 2**18


class Answer(NamedTuple):
    """What a call gave: a value, or the error it ended with.

    ``value``: None, bool, int, float or str, cut to 500 characters. Of ``is_safe_name`` it is the
    truth value; of ``is_safe_request`` None or a text. ``kind``: the name of the type that was
    returned, as the submission's process says; ``text``: whether it was one. ``error``: "" or what
    was raised, or why there is no answer; the student's own text in it. ``changed``: the call
    changed a list that it was given.
    """

    value: bool | int | float | str | None
    kind: str = ""
    error: str = ""
    text: bool = False
    changed: bool = False


@dataclass(frozen=True)
class Facts:
    """What the submission's process says about itself: evidence, which it could forge.

    ``load_error``: "" or what loading ended with. ``names``: of the names that students write
    those that exist, each with its ``type``, ``callable``, ``length`` and ``items`` as they apply.
    ``patched``: functions of the standard library that were replaced, as ``module.name``.
    """

    load_error: str = ""
    names: dict[str, dict[str, Any]] = field(default_factory=dict)
    patched: tuple[str, ...] = ()


class Hooks:
    """The running process. Calls after its end come back with an error.

    After ``close`` there are ``events`` (words), ``evidence`` and ``cpu_s`` (all CPU seconds).
    """

    def __init__(self, session: Session, after: Callable[[], None], seed: int) -> None:
        self._session = session
        self._after = after
        self._taken = 0  # bytes of answers read so far
        self._ended = False
        self._seed = seed
        self.unanswered = 0
        self.events: tuple[str, ...] = ()
        self.evidence: tuple[str, ...] = ()
        self.cpu_s = 0.0
        self.memory = 0
        self.code: int | None = None
        session.close_input()
        self._first = self._facts()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def loaded(self) -> Facts:
        """The facts right after loading."""
        return self._first

    def facts(self) -> Facts:
        """The facts as they are now; after the end, those after loading."""
        return self._facts() if not self._ended else self._first

    def call(self, name: str, args: Sequence[Any], seed: int = 0) -> Answer:
        """Call a function of the submission with plain data, ``random`` seeded before."""
        return self.calls([(name, args, seed)])[0]

    def renew(self) -> Facts:
        """Let a new process load ``bot.py`` in place of this one; the facts after loading.

        It comes from the same ancestor, which never ran a line of the submission.
        """
        self._exchange({"renew": True}, 1, id_="renewed")
        self._first = self._facts()
        return self._first

    def calls(self, calls: Sequence[tuple[str, Sequence[Any], int]]) -> list[Answer]:
        """Many calls, one after the other: (name, arguments, seed) → answers in that order.

        If the process ends on the way, the answers from about there on (answers travel 32 at a
        time) have an error.
        """
        answers: list[Answer] = []
        for first in range(0, len(calls), _AT_ONCE):
            here = [
                [name, list(args), seed] for name, args, seed in calls[first : first + _AT_ONCE]
            ]
            answers += [_answer(raw) for raw in self._exchange({"calls": here}, len(here))]
        return answers

    def _facts(self) -> Facts:
        raw = self._exchange({"facts": True, "seed": self._seed}, 1, _FACTS_ROOM)[0]
        if not isinstance(raw, dict) or "error" in raw:
            why = raw.get("error") if isinstance(raw, dict) else None
            return Facts(load_error=_text(why, 300) or "it gave no facts")
        return Facts(
            load_error=_text(raw.get("load_error"), 300),
            names=_names(raw.get("names")),
            patched=tuple(_text(name, 80) for name in _list(raw.get("patched"), 50)),
        )

    def _exchange(
        self, ask: dict[str, Any], count: int, room: int = _ROOM, id_: str | None = None
    ) -> list[Any]:
        """Ask one question, and read the answers to its ``count`` calls, piece by piece."""
        found: list[Any] = []
        id_ = id_ or secrets.token_hex(8)
        self._session.answers.allow(room * count)
        if not self._ended:
            self._session.ask((json.dumps({"id": id_, **ask}) + "\n").encode())
        reader = self._session.answers
        while len(found) < count and not self._ended:
            with reader.changed:
                reader.changed.wait_for(lambda: reader.pending(self._taken) or reader.ended)
                data = reader.take(self._taken)
                over = reader.ended and not data
            self._taken += len(data)
            for line in data.splitlines():
                raw = _parsed(line)
                got = raw.get("got") if raw is not None and raw.get("id") == id_ else None
                fits = isinstance(got, list) and 0 < len(got) <= count - len(found)
                if raw is None or not fits or raw.get("at") != len(found):
                    self._session.forged = True
                else:
                    found += got or []
            if over:
                self.unanswered += count - len(found)
                self.close()
        why = ", ".join(self.events) or "it had ended"
        return [*found, *[{"error": f"no answer: {why}"}] * (count - len(found))]

    def close(self) -> End | None:
        """End the process; what it did is in ``events``, ``evidence`` and ``cpu_s`` then."""
        if self._ended:
            return None
        self._ended = True
        end = self._session.finish()
        self._after()
        self.events = event_words(self._session, end, early=self.unanswered > 0)
        self.evidence = self._session.details()
        self.cpu_s, self.memory, self.code = end.cpu, end.memory, end.code
        return end


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return raw if isinstance(raw, dict) else None


def _answer(raw: Any) -> Answer:
    """An answer as far as it is made of what answers are made of."""
    if type(raw) is not list or len(raw) < 3:
        if isinstance(raw, dict) and "error" in raw:
            return Answer(None, "", _text(raw["error"], 400) or "unknown error")
        return Answer(None, "", "the answer is not one")
    if raw[0] is None or type(raw[0]) is bool:
        return Answer(raw[0], _text(raw[1], 80), "", raw[2] is True, len(raw) > 3)
    value = raw[0]
    if isinstance(value, str):
        value = value[:_TEXT]
    elif value is not None and not isinstance(value, bool | int | float):
        return Answer(None, "", "the answer is not a plain value")
    return Answer(value, _text(raw[1], 80), "", raw[2] is True, len(raw) > 3)


def _text(value: Any, most: int) -> str:
    return value[:most] if isinstance(value, str) else ""


def _list(value: Any, most: int) -> list[Any]:
    return value[:most] if isinstance(value, list) else []


def _names(value: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict):
        return {}
    names = {}
    for name, fact in list(value.items())[:8]:
        if not isinstance(fact, dict):
            continue
        kept: dict[str, Any] = {"type": _text(fact.get("type"), 80)}
        kept["callable"] = fact.get("callable") is True
        if isinstance(fact.get("length"), int):
            kept["length"] = fact["length"]
            kept["items"] = tuple(_text(item, 80) for item in _list(fact.get("items"), 200))
        names[name[:80]] = kept
    return names
