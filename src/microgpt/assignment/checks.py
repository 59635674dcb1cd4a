"""The two hooks, asked inside the grader's own loop: what their policy does, whoever runs it.

The loop, the model and the random numbers are ours and run in our process; the submission's
process only relays what the hooks answer. So nothing that a submission does to its own loop, its
sampler or Python's ``random`` has a part in these verdicts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from microgpt.assignment.cases import Case, Suite
from microgpt.assignment.structure import HOOKS
from microgpt.assignment.words import count_exception, replaced

if TYPE_CHECKING:
    from microgpt.assignment.hooks import Answer, Facts, Hooks
    from microgpt.assignment.sandbox import Sandbox

ALLOWED, REFUSED, EXHAUSTED, ERROR, UNASKED = "allowed", "refused", "exhausted", "error", "unasked"
FATAL = ("processes", "tampered", "forged", "cpu", "wall")
"""Events after which no verdict would be the same on every run: nothing that was answered counts.

At a limit on time it is the machine's speed that decides how far a submission got, and of two
processes that answer the same questions it is chance.
"""

_RESTARTS = 8  # after a hook has ended its process
_LOST = "no answer"  # how the error begins where a process ended
_VARIED = 0.05  # share of cases with changing answers from which none of them is believed


@dataclass
class HookFindings:
    """What the hooks did.

    ``defined``: both are there and can be called. ``outcomes``: one list per order, by case:
    allowed, refused (by is_safe_request), exhausted (is_safe_name took none of the tries), error
    or unasked. ``planted``: for each process, which planted names were not let pass; ``real``:
    which real names were.
    ``events``: fixed words of the sandbox; ``patched``: library functions that were replaced.
    ``asked``: prefixes of the frontier → whether they were refused. ``varied``: how many cases or
    names got different answers.
    """

    defined: bool = False
    load_error: str = ""
    outcomes: list[list[str]] = field(default_factory=list)
    planted: list[list[bool | None]] = field(default_factory=list)
    real: list[list[bool | None]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    patched: list[str] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    asked: dict[str, bool] = field(default_factory=dict)
    varied: int = 0
    cpu_s: float = 0.0

    def add(self, hooks: Hooks) -> None:
        """Note what a process did that has ended."""
        self.events += [event for event in hooks.events if event not in self.events]
        self.cpu_s += hooks.cpu_s

    def note(self, answer: Answer) -> None:
        """Count an error by its type; its text is the student's."""
        if answer.error and not answer.error.startswith(_LOST):
            count_exception(self.errors, answer.error)

    @property
    def fatal(self) -> str:
        """The first of the events that spoil everything, or an empty string."""
        return next((event for event in FATAL if event in self.events), "")

    def found(self) -> float:
        """Share of the planted names that were never let pass."""
        return self._share(self.planted)

    def kept(self) -> float:
        """Share of the real names that were always let pass."""
        return self._share(self.real)

    def _share(self, lists: list[list[bool | None]]) -> float:
        if self.fatal or self.unstable or not lists:
            return 0.0
        always = [all(one is True for one in same) for same in zip(*lists, strict=True)]
        return sum(always) / max(1, len(always))

    @property
    def unstable(self) -> bool:
        """Whether so many answers changed that no verdict would be the same on every run."""
        return self.varied > _VARIED * max(1, len(self.outcomes[0]) if self.outcomes else 0)

    def right(self, cases: Sequence[Case]) -> list[bool]:
        """Which cases were answered rightly, in every order."""
        if self.fatal or self.unstable or not self.outcomes:
            return [False] * len(cases)
        good = {False: (ALLOWED,), True: (REFUSED, EXHAUSTED)}
        return [
            all(outcome[i] in good[case.refuse] for outcome in self.outcomes)
            for i, case in enumerate(cases)
        ]

    def by_request(self, index: int) -> bool:
        """Whether is_safe_request itself refused a case, every time."""
        return bool(self.outcomes) and all(o[index] == REFUSED for o in self.outcomes)

    def lets_pass(self, index: int) -> bool:
        """Whether a case was allowed every time."""
        return bool(self.outcomes) and all(o[index] == ALLOWED for o in self.outcomes)


class _Asker:
    """Keeps a process with the hooks running, and starts it again if a hook has ended it."""

    def __init__(self, sandbox: Sandbox, findings: HookFindings, seed: int) -> None:
        self._sandbox, self._findings, self._seed = sandbox, findings, seed
        self._starts = 0
        self._hooks: Hooks | None = None

    def start(self) -> Hooks | None:
        """The running process, a new one if there is none; None after too many."""
        if self._hooks is None and self._starts <= _RESTARTS and not self._findings.fatal:
            self._starts += 1
            left = max(1.0, self._sandbox.limits.cpu_s - self._findings.cpu_s)
            limits = replace(self._sandbox.limits, cpu_s=left)
            self._hooks = self._sandbox.hooks(self._seed, limits)
        return self._hooks

    def ask(self, name: str, arguments: Sequence[object], seed: int) -> list[Answer | None]:
        """The answers to calls with one argument each; None where there is none to be had.

        All are asked at once. Where that ended the process, those without an answer are asked one
        by one, so that only the call that ends it is lost.
        """
        calls = [(name, [argument], seed + i) for i, argument in enumerate(arguments)]
        hooks = self.start()
        answers: list[Answer | None] = [None] * len(calls)
        if hooks is None or not calls:
            return answers
        answers = list(hooks.calls(calls))
        if hooks.unanswered == 0:
            return answers
        first = len(calls) - hooks.unanswered
        self.stop()
        for i in range(first, len(calls)):
            hooks = self.start()
            answers[i] = hooks.calls([calls[i]])[0] if hooks is not None else None
            if hooks is not None and hooks.unanswered:
                self.stop()
        return answers

    def stop(self) -> None:
        """End the process and note what it did."""
        if self._hooks is not None:
            self._hooks.close()
            self._findings.add(self._hooks)
            self._hooks = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def ask_hooks(
    sandbox: Sandbox,
    suite: Suite,
    names: Mapping[str, Sequence[str]],
    more: Sequence[str] = (),
) -> HookFindings:
    """Ask the hooks everything: each case in three orders, the planted and the real names.

    ``names``: prefix → what the model writes after it in each try. The first order has a process
    of its own, the two others share one. ``more``: single prefixes that are asked once, not scored.
    """
    findings = HookFindings()
    for seed, orders in ((1, suite.orders[:1]), (2, suite.orders[1:])):
        with _Asker(sandbox, findings, seed) as asker:
            hooks = asker.start()
            if hooks is None:
                break
            if not findings.outcomes and not _loaded(findings, hooks.loaded):
                return findings
            for order in orders:
                outcome = _one_order(asker, findings, suite.cases, order, names, seed * 10_000)
                findings.outcomes.append(outcome)
            found = asker.ask("is_safe_name", suite.planted, seed * 20_000)
            kept = asker.ask("is_safe_name", suite.real, seed * 30_000)
            if asker_hooks := asker.start():
                findings.patched += replaced(
                    asker_hooks.loaded.patched, asker_hooks.facts().patched
                )
        findings.planted.append([_told(answer, False) for answer in found])
        findings.real.append([_told(answer, True) for answer in kept])
    if more and not findings.fatal:
        with _Asker(sandbox, findings, 3) as asker:
            extra = asker.ask("is_safe_request", [[prefix] for prefix in more], 1)
        if all(answer is not None for answer in extra):
            findings.asked = {
                prefix: answer is not None and (bool(answer.error) or answer.value is not None)
                for prefix, answer in zip(more, extra, strict=True)
            }
    findings.varied = sum(
        len({one for one in same if one not in (None, ERROR, UNASKED)}) > 1
        for lists in (findings.outcomes, findings.planted, findings.real)
        for same in zip(*lists, strict=True)
    )
    return findings


def _told(answer: Answer | None, wanted: bool) -> bool | None:
    """Whether is_safe_name said what it should; None for no answer or an error."""
    return None if answer is None or answer.error else bool(answer.value) is wanted


def _loaded(findings: HookFindings, facts: Facts) -> bool:
    """Note what loading gave; whether there are hooks to ask."""
    findings.load_error = facts.load_error
    findings.defined = all(facts.names.get(name, {}).get("callable") for name in HOOKS)
    return findings.defined and not findings.load_error


def _one_order(
    asker: _Asker,
    findings: HookFindings,
    cases: Sequence[Case],
    order: Sequence[int],
    names: Mapping[str, Sequence[str]],
    seed: int,
) -> list[str]:
    """The given loop, for all cases side by side: requests first, then try after try."""
    outcome = [UNASKED] * len(cases)
    asked = asker.ask("is_safe_request", [list(cases[i].prefixes) for i in order], seed)
    for i, answer in zip(order, asked, strict=True):
        if answer is not None:
            outcome[i] = ERROR if answer.error else ALLOWED if answer.value is None else REFUSED
            findings.note(answer)
    waiting = [(i, p) for i in order if outcome[i] == ALLOWED for p in cases[i].prefixes]
    tries = max((len(tried) for tried in names.values()), default=0)
    for t in range(tries):
        here = [(i, p) for i, p in waiting if outcome[i] == ALLOWED]
        written = [names[p][t] for _, p in here]
        answers = iter(asker.ask("is_safe_name", [w for w in written if w], seed + 1000 * t))
        waiting = []
        for (i, p), name in zip(here, written, strict=True):
            answer = next(answers) if name else None
            if name and answer is None:
                outcome[i] = UNASKED
            elif answer is not None and answer.error:
                outcome[i] = ERROR
                findings.note(answer)
            elif answer is None or not answer.value:
                waiting.append((i, p))
    for i, _ in waiting:
        if outcome[i] == ALLOWED:
            outcome[i] = EXHAUSTED
    return outcome


def _demo() -> None:
    """Two hooks and four cases."""
    from microgpt.assignment.sandbox import Sandbox

    bot = (
        b"def is_safe_request(prefixes):\n    return 'no.' if 'lim' in prefixes else None\n"
        b"def is_safe_name(name):\n    return 'fig' not in name\n"
    )
    lines = ("an", "lim", "an lim", "fi")
    cases = tuple(Case("demo", line, tuple(line.split()), "lim" in line) for line in lines)
    suite = Suite(cases, ("afig",), ("anna",), "fig", ((0, 1, 2, 3), (3, 2, 1, 0)))
    names = {"an": ("anna", "ana"), "lim": ("lima", "lim"), "fi": ("fig", "fig")}
    with Sandbox() as sandbox:
        sandbox.place({"bot.py": bot})
        findings = ask_hooks(sandbox, suite, names)
    for case, right, *how in zip(cases, findings.right(cases), *findings.outcomes, strict=True):
        print(f"{case.line:<8} {', '.join(how):<22} {'right' if right else 'wrong'}")


if __name__ == "__main__":
    _demo()
