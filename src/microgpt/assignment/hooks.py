"""A submission's functions, called from outside through a pipe."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from microgpt.assignment.session import End, Session, event_words

_AT_ONCE = 4096
_TEXT = 500
_ROOM = 8192  # bytes that an answer may take: 500 characters, each written as up to 12
_FACTS_ROOM = 2**18


@dataclass(frozen=True)
class Answer:
    """What a call gave: a value, or the error it ended with.

    ``value``: None, bool, int, float or str, cut to 500 characters. Of ``is_safe_name`` it is the
    truth value; of ``is_safe_request`` None or a text. ``kind``: the name of the type that was
    returned, as the submission's process says. ``error``: "" or what was raised, or why there is
    no answer; the student's own text in it. ``cpu_s``: seconds, as the submission's process says.
    """

    value: bool | int | float | str | None
    kind: str = ""
    error: str = ""
    cpu_s: float = 0.0


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

    def calls(self, calls: Sequence[tuple[str, Sequence[Any], int]]) -> list[Answer]:
        """Many calls, one after the other: (name, arguments, seed) → answers in that order.

        If the process ends on the way, the answers from about there on (answers travel 32 at a
        time) have an error.
        """
        answers: list[Answer] = []
        for first in range(0, len(calls), _AT_ONCE):
            here = calls[first : first + _AT_ONCE]
            ids = [secrets.token_hex(8) for _ in here]
            texts = []
            for i, (id_, (name, args, seed)) in enumerate(zip(ids, here, strict=True)):
                ask = {"id": id_, "call": name, "args": list(args), "seed": seed}
                if i == len(here) - 1:
                    ask["last"] = True
                texts.append(json.dumps(ask))
            answers += [_answer(raw) for raw in self._exchange(ids, texts)]
        return answers

    def _facts(self) -> Facts:
        id_ = secrets.token_hex(8)
        ask = {"id": id_, "call": "facts", "args": [], "seed": self._seed, "last": True}
        raw = self._exchange([id_], [json.dumps(ask)], _FACTS_ROOM)[0]
        value = raw.get("value")
        if not isinstance(value, dict):
            return Facts(load_error=str(raw.get("error", "it gave no facts"))[:300])
        return Facts(
            load_error=_text(value.get("load_error"), 300),
            names=_names(value.get("names")),
            patched=tuple(_text(name, 80) for name in _list(value.get("patched"), 50)),
        )

    def _exchange(
        self, ids: list[str], texts: list[str], room: int = _ROOM
    ) -> list[dict[str, Any]]:
        """Write the asked and read as many answers, matched by their ids."""
        found: list[dict[str, Any]] = []
        self._session.answers.allow(room * len(ids))
        if not self._ended:
            self._session.ask(("\n".join(texts) + "\n").encode())
        reader = self._session.answers
        while len(found) < len(ids) and not self._ended:
            with reader.changed:
                reader.changed.wait_for(lambda: reader.pending(self._taken) or reader.ended)
                data = reader.take(self._taken)
                over = reader.ended and not data
            self._taken += len(data)
            for line in data.splitlines():
                raw = _parsed(line)
                if raw is None or len(found) == len(ids) or raw.get("id") != ids[len(found)]:
                    self._session.forged = True
                else:
                    found.append(raw)
            if over:
                self.unanswered += len(ids) - len(found)
                self.close()
        why = ", ".join(self.events) or "it had ended"
        lost = [{"error": f"no answer: {why}", "lost": True}] * (len(ids) - len(found))
        return [*found, *lost]

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


def _answer(raw: dict[str, Any]) -> Answer:
    """An answer as far as it is made of what answers are made of."""
    cpu = raw.get("cpu")
    cpu_s = float(cpu) if isinstance(cpu, int | float) and 0 <= cpu < 1e6 else 0.0
    if "error" in raw:
        return Answer(None, "", _text(raw["error"], 400) or "unknown error", cpu_s)
    value = raw.get("value")
    if isinstance(value, str):
        value = value[:_TEXT]
    elif value is not None and not isinstance(value, bool | int | float):
        return Answer(None, "", "the answer is not a plain value", cpu_s)
    return Answer(value, _text(raw.get("type"), 80), "", cpu_s)


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
