"""A stand-in for the sandbox: hooks that are plain functions of a test, asked in this process.

It has what ``checks.ask_hooks`` uses of ``Sandbox`` and ``Hooks``, for bots of our own that answer
from what they are given alone: each question is put to them once, however many variants ask it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from microgpt.assignment.box.hooks import Answer, Facts
from microgpt.assignment.box.session import Limits
from microgpt.assignment.intake.source import HOOKS

REASON = "this may become what I never say."


class Bot(NamedTuple):
    """``request``: from prefixes to None or a reason; ``name``: whether a name is kept."""

    request: Callable[[list[str]], Any]
    name: Callable[[str], Any]


@dataclass
class InProcess:
    """Stands for the running process and for the sandbox that starts it."""

    bot: Bot
    limits: Limits = field(default_factory=Limits)
    unanswered: int = 0
    events: tuple[str, ...] = ()
    cpu_s: float = 0.0
    known: dict[Any, Answer] = field(default_factory=dict)

    def hooks(self, seed: int, limits: Limits) -> "InProcess":
        return self

    @property
    def loaded(self) -> Facts:
        return Facts(names={name: {"type": "function", "callable": True} for name in HOOKS})

    def facts(self) -> Facts:
        return self.loaded

    def renew(self) -> Facts:
        return self.loaded

    def close(self) -> None:
        """Nothing has to end."""

    def calls(self, calls: Sequence[tuple[str, Sequence[Any], int]]) -> list[Answer]:
        return [self._call(name, args[0]) for name, args, _ in calls]

    def _call(self, name: str, what: Any) -> Answer:
        question = what if isinstance(what, str) else tuple(what)
        if question not in self.known:
            self.known[question] = self._answer(name, what)
        return self.known[question]

    def _answer(self, name: str, what: Any) -> Answer:
        if name == HOOKS[1]:
            kept = bool(self.bot.name(what))
            return Answer(kept, "bool")
        reason = self.bot.request(list(what))
        if reason is None:
            return Answer(None, "NoneType")
        return Answer(str(reason)[:500], type(reason).__name__, text=isinstance(reason, str))
