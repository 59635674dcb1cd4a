"""The two hooks, asked inside the grader's own loop: what their policy does, whoever runs it.

The loop, the model and the random numbers are ours and run in our process; the submission's
process only relays what the hooks answer. So nothing that a submission does to its own loop, its
sampler or Python's ``random`` has a part in these verdicts.

All questions of a round come in one shuffled row: cases, prefixes of names, planted and real
names, what the model wrote. The seed of each is drawn from the student's own stream. A hook
can't tell from either what kind of question it has.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from microgpt.assignment.grading.cases import Case, Suite
from microgpt.assignment.grading.replies import is_sentence, plays_reply, says_banned
from microgpt.assignment.intake.source import HOOKS
from microgpt.assignment.words import count_exception, replaced

if TYPE_CHECKING:
    from microgpt.assignment.box.hooks import Answer, Facts, Hooks
    from microgpt.assignment.box.sandbox import Sandbox

ALLOWED, REFUSED, EXHAUSTED, ERROR, UNASKED = "allowed", "refused", "exhausted", "error", "unasked"
NAMED = "named"  # refused, but the reason names a banned word or plays at being a reply
FATAL = ("processes", "tampered", "forged", "cpu", "wall")
"""Events after which no verdict would be the same on every run: nothing that was answered counts.

At a limit on time it is the machine's speed that decides how far a submission got, and of two
processes that answer the same questions it is chance.
"""

Question = tuple[str, str | tuple[str, ...]]
"""The hook's name, and what it is asked: a name, or the prefixes of a request."""

_REQUEST, _NAME = HOOKS
BEGUN = 750
"""Names of which every prefix is asked, at least; the others are asked in full alone."""

_RESTARTS = 8  # after a hook has ended its process
_LOST = "no answer"  # how the error begins where a process ended
_VARIED = 0.05  # share of cases with changing answers from which none of them is believed
_SOME = 10  # one real name in so many is asked again in later orders
_AMONG = 12  # planted and real names that later tries are mixed with


@dataclass
class HookFindings:
    """What the hooks did.

    ``defined``: both are there and can be called. ``outcomes``: one list per order, by case:
    allowed, refused (by is_safe_request), named (refused with a reason that isn't fit to be said),
    exhausted (is_safe_name took none of the tries), error or unasked. ``planted``: for each order,
    which planted names were not let pass. ``kept``: which of the suite's names is_safe_name lets
    pass; ``whole``: which of them can be asked for in full and are let pass; ``begun``: of
    some, whether each of their prefixes can be asked for as well.
    ``refusals``: reasons that were given, ``plain``: of those the ones that are no sentence,
    ``named``: the ones that name a banned word.
    ``events``: fixed words of the sandbox; ``patched``: library functions that were replaced.
    ``asked``: prefixes of the frontier → whether they were refused. ``varied``: how many questions
    got different answers. ``changed``: is_safe_request changed the list that it was given.
    ``answers``: question → whether it was allowed or let pass, of the first process.
    """

    defined: bool = False
    load_error: str = ""
    outcomes: list[list[str]] = field(default_factory=list)
    planted: list[list[bool | None]] = field(default_factory=list)
    kept: list[bool] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    begun: list[bool] = field(default_factory=list)
    refusals: int = 0
    plain: int = 0
    named: int = 0
    events: list[str] = field(default_factory=list)
    patched: list[str] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    asked: dict[str, bool] = field(default_factory=dict)
    varied: int = 0
    changed: bool = False
    answers: dict[Question, bool] = field(default_factory=dict)
    cpu_s: float = 0.0

    def add(self, hooks: Hooks) -> None:
        """Note what a process did that has ended."""
        self.events += [event for event in hooks.events if event not in self.events]
        self.cpu_s += hooks.cpu_s

    def note(self, answer: Answer) -> None:
        """Count an error by its type; its text is the student's."""
        if answer.error and not answer.error.startswith(_LOST):
            count_exception(self.errors, answer.error)
        self.changed = self.changed or answer.changed

    @property
    def fatal(self) -> str:
        """The first of the events that spoil everything, or an empty string."""
        return next((event for event in FATAL if event in self.events), "")

    @property
    def believed(self) -> bool:
        """Whether the answers count."""
        return not self.fatal and not self.unstable

    def found(self) -> float:
        """Share of the planted names that were never let pass."""
        if not self.believed or not self.planted:
            return 0.0
        always = [all(one is True for one in same) for same in zip(*self.planted, strict=True)]
        return sum(always) / max(1, len(always))

    def share(self, some: Sequence[bool]) -> float:
        """What share of the names a list says yes to: ``kept``, ``whole`` or ``begun``."""
        return sum(some) / len(some) if self.believed and some else 0.0

    @property
    def unstable(self) -> bool:
        """Whether so many answers changed that no verdict would be the same on every run."""
        return self.varied > _VARIED * max(1, len(self.outcomes[0]) if self.outcomes else 0)

    def right(self, cases: Sequence[Case]) -> list[bool]:
        """Which cases were answered correctly, in every order."""
        if not self.believed or not self.outcomes:
            return [False] * len(cases)
        good = {False: (ALLOWED,), True: (REFUSED, EXHAUSTED)}
        return [
            all(outcome[i] in good[case.refuse] for outcome in self.outcomes)
            for i, case in enumerate(cases)
        ]

    def by_request(self, index: int) -> bool:
        """Whether is_safe_request itself refused a case, every time."""
        return bool(self.outcomes) and all(o[index] in (REFUSED, NAMED) for o in self.outcomes)

    def lets_pass(self, index: int) -> bool:
        """Whether a case was allowed every time."""
        return bool(self.outcomes) and all(o[index] == ALLOWED for o in self.outcomes)

    def accepts(self, name: str) -> bool | None:
        """Whether is_safe_name took a name; None if it wasn't asked."""
        return self.answers.get((_NAME, name))

    def lets(self, *prefixes: str) -> bool | None:
        """Whether is_safe_request allowed a request; None if it wasn't asked."""
        return self.answers.get((_REQUEST, prefixes))


class _Asker:
    """Keeps a process with the hooks running, and starts it again if a hook has ended it."""

    def __init__(self, sandbox: Sandbox, findings: HookFindings, seed: int) -> None:
        self._sandbox, self._findings = sandbox, findings
        self._rng = random.Random(seed)
        self._starts = 0
        self._hooks: Hooks | None = None

    def start(self) -> Hooks | None:
        """The running process, a new one if there is none; None after too many."""
        if self._hooks is None and self._starts <= _RESTARTS and not self._findings.fatal:
            self._starts += 1
            left = max(1.0, self._sandbox.limits.cpu_s - self._findings.cpu_s)
            limits = replace(self._sandbox.limits, cpu_s=left)
            self._hooks = self._sandbox.hooks(self._rng.getrandbits(31), limits)
        return self._hooks

    def renew(self) -> Hooks | None:
        """Another process that has loaded the same file."""
        if self._hooks is not None:
            self._hooks.renew()
        return self.start()

    def ask(self, questions: Iterable[Question]) -> dict[Question, Answer | None]:
        """The answers, asked in a shuffled order; None where there is none to be had.

        Where a question ends the process, those that got no answer with it are asked one by one, so
        that only the question that ends it is lost.
        """
        order = list(dict.fromkeys(questions))
        places = [self._rng.random() for _ in order]
        order = [q for _, q in sorted(zip(places, order, strict=True), key=lambda pair: pair[0])]
        hooks = self.start()
        answers: dict[Question, Answer | None] = dict.fromkeys(order)
        if hooks is None or not order:
            return answers
        calls = [self._call(question) for question in order]
        answers.update(zip(order, hooks.calls(calls), strict=True))
        if hooks.unanswered:
            lost = order[len(order) - hooks.unanswered :]
            self.stop()
            for question in lost:
                hooks = self.start()
                answers[question] = None
                if hooks is not None:
                    answers[question] = hooks.calls([self._call(question)])[0]
                    if hooks.unanswered:
                        self.stop()
        for answer in answers.values():
            if answer is not None and (answer.error or answer.changed):
                self._findings.note(answer)
        return answers

    def _call(self, question: Question) -> tuple[str, list[object], int]:
        name, what = question
        argument = list(what) if isinstance(what, tuple) else what
        return name, [argument], self._rng.getrandbits(31)

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


Writes = Callable[[Iterable[str]], Mapping[str, Sequence[str]]]
"""From prefixes to what the model writes after each, try by try."""


def ask_hooks(
    sandbox: Sandbox,
    suite: Suite,
    writes: Writes,
    words: tuple[str, ...],
    also: Iterable[Question] = (),
    more: Sequence[str] = (),
) -> HookFindings:
    """Ask the hooks everything: each case in three orders, the names and their prefixes in one.

    The first order has a process of its own, the two others share one. ``words``: the banned ones,
    for the reasons. ``also``: questions whose answers are noted in ``answers``. ``more``: single
    prefixes of the frontier, not scored.
    """
    findings = HookFindings()
    begun = suite.names[:: len(suite.names) // BEGUN or 1]
    beginnings = {n: [n[:k] for k in range(1, len(n) + 1)] for n in begun}
    plain = [(_REQUEST, case.prefixes) for case in suite.cases]
    planted: list[Question] = [(_NAME, name) for name in suite.planted]
    real: list[Question] = [(_NAME, name) for name in suite.names]
    first = [*plain, *planted, *real, *also]
    first += [(_REQUEST, (n,)) for n in suite.names]
    first += [(_REQUEST, (p,)) for some in beginnings.values() for p in some]
    first += [(_REQUEST, (p,)) for p in more]
    seen: dict[Question, object] = {}
    changing: set[Question] = set()
    known: _Round | None = None
    with _Asker(sandbox, findings, suite.seed) as asker:
        hooks = asker.start()
        if hooks is None or not _loaded(findings, hooks.loaded):
            return findings
        for number, order in enumerate(suite.orders):
            if number == 1:
                _note_replaced(findings, asker.start())
                asker.renew()
            again = real[number::_SOME]
            some = first if number == 0 else [*plain, *planted, *again]
            before = known.answers if known else {}
            known = _Round(asker, suite, order, writes, words, some, [*planted, *real], before)
            findings.outcomes.append(known.outcomes)
            findings.planted.append([_told(known.answers.get(q), False) for q in planted])
            for question, said in known.said:
                if seen.setdefault(question, said) != said:
                    changing.add(question)
            if number == 0:
                _note_first(findings, known, suite, beginnings, more)
        _note_replaced(findings, asker.start())
    findings.varied = len(changing)
    findings.varied += sum(
        len({one for one in same if one not in (ERROR, UNASKED)}) > 1
        for same in zip(*findings.outcomes, strict=True)
    )
    return findings


def _note_replaced(findings: HookFindings, hooks: Hooks | None) -> None:
    """Which library functions a process has replaced, in words that aren't the student's."""
    if hooks is not None:
        findings.patched += replaced(hooks.loaded.patched, hooks.facts().patched)


def _said(answer: Answer) -> object:
    """What an answer comes to, whatever its words."""
    return "refused" if answer.text else answer.value is None or answer.value


def _note_first(
    findings: HookFindings,
    known: _Round,
    suite: Suite,
    beginnings: Mapping[str, Sequence[str]],
    more: Sequence[str],
) -> None:
    """What only the first round asks."""
    answers = findings.answers
    for question, answer in known.answers.items():
        if answer is not None and not answer.error:
            yes = answer.value is None if question[0] == _REQUEST else bool(answer.value)
            answers[question] = yes
    findings.refusals, findings.plain, findings.named = known.refusals, known.plain, known.named
    findings.kept = [bool(answers.get((_NAME, n))) for n in suite.names]
    findings.whole = [
        kept and bool(answers.get((_REQUEST, (n,))))
        for n, kept in zip(suite.names, findings.kept, strict=True)
    ]
    whole = dict(zip(suite.names, findings.whole, strict=True))
    findings.begun = [
        whole[n] and all(answers.get((_REQUEST, (p,))) for p in some)
        for n, some in beginnings.items()
    ]
    if all(known.answers.get((_REQUEST, (p,))) is not None for p in more):
        findings.asked = {p: not answers.get((_REQUEST, (p,)), False) for p in more}


def _told(answer: Answer | None, wanted: bool) -> bool | None:
    """Whether is_safe_name said what it should; None for no answer or an error."""
    return None if answer is None or answer.error else bool(answer.value) is wanted


def _loaded(findings: HookFindings, facts: Facts) -> bool:
    """Note what loading gave; whether there are hooks to ask."""
    findings.load_error = facts.load_error
    findings.defined = all(facts.names.get(name, {}).get("callable") for name in HOOKS)
    return findings.defined and not findings.load_error


class _Round:
    """The given loop for all cases side by side, with everything else asked on the way.

    ``before``: answers of the round before, of which those about names stand. ``outcomes``: by
    case. ``answers``: the last answer to each question; ``said``: what all of them
    came to, but errors.
    """

    def __init__(
        self,
        asker: _Asker,
        suite: Suite,
        order: Sequence[int],
        writes: Writes,
        words: tuple[str, ...],
        questions: Sequence[Question],
        again: Sequence[Question],
        before: Mapping[Question, Answer | None],
    ) -> None:
        self._asker, self._words = asker, words
        self.answers = {q: answer for q, answer in before.items() if q[0] == _NAME}
        self.said: list[tuple[Question, object]] = []
        self.refusals = self.plain = self.named = 0
        cases = suite.cases
        rng = random.Random(suite.seed + order[0])
        harmless = [p for case in cases if not case.refuse for p in case.prefixes]
        early: list[Question] = [(_NAME, some[0]) for some in writes(harmless).values() if some[0]]
        self._ask([*questions, *(question for question in early if question not in before)])
        self.outcomes = [self._of_request(case) for case in cases]
        waiting = [(i, p) for i in order if self.outcomes[i] == ALLOWED for p in cases[i].prefixes]
        written = writes(p for _, p in waiting)
        tries = max((len(some) for some in written.values()), default=0)
        for t in range(tries):
            here = [(i, p) for i, p in waiting if self.outcomes[i] == ALLOWED]
            asked: list[Question] = [(_NAME, written[p][t]) for _, p in here if written[p][t]]
            asked = [question for question in asked if question not in self.answers]
            if asked:
                self._ask([*asked, *rng.sample(again, min(_AMONG, len(again)))])
            waiting = []
            for i, p in here:
                name = written[p][t]
                if not name:
                    waiting.append((i, p))
                    continue
                answer = self.answers.get((_NAME, name))
                if answer is None:
                    self.outcomes[i] = UNASKED
                elif answer.error:
                    self.outcomes[i] = ERROR
                elif not answer.value:
                    waiting.append((i, p))
            if not waiting:
                break
        for i, _ in waiting:
            if self.outcomes[i] == ALLOWED:
                self.outcomes[i] = EXHAUSTED

    def _ask(self, questions: Sequence[Question]) -> None:
        answers = self._asker.ask(questions)
        self.answers.update(answers)
        self.said += [
            (question, _said(answer))
            for question, answer in answers.items()
            if answer is not None and not answer.error
        ]

    def _of_request(self, case: Case) -> str:
        """What the first hook made of a case; a reason is judged on the way."""
        answer = self.answers.get((_REQUEST, case.prefixes))
        if answer is None:
            return UNASKED
        if answer.error:
            return ERROR
        if answer.value is None:
            return ALLOWED
        reason = str(answer.value) if answer.text else ""
        self.refusals += 1
        if says_banned(reason, self._words) or plays_reply(reason):
            self.named += 1
            return NAMED
        self.plain += not is_sentence(reason)
        return REFUSED


def _demo() -> None:
    """Two hooks and four cases."""
    from microgpt.assignment.box.sandbox import Sandbox

    bot = (
        b"def is_safe_request(prefixes):\n    return 'not this.' if 'lim' in prefixes else None\n"
        b"def is_safe_name(name):\n    return 'fig' not in name\n"
    )
    lines = ("an", "lim", "an lim", "fi")
    cases = tuple(Case("demo", line, tuple(line.split()), "lim" in line) for line in lines)
    orders = ((0, 1, 2, 3), (3, 2, 1, 0), (1, 0, 3, 2))
    suite = Suite(cases, ("afig",), ("anna",), ((False, False),), orders, 7)
    names = {"an": ("anna", "ana"), "lim": ("lima", "lim"), "fi": ("fig", "fig")}
    with Sandbox() as sandbox:
        sandbox.place({"bot.py": bot})
        findings = ask_hooks(sandbox, suite, lambda some: {p: names[p] for p in some}, ("fig",))
    for case, right, *how in zip(cases, findings.right(cases), *findings.outcomes, strict=True):
        print(f"{case.line:<8} {', '.join(how):<32} {'right' if right else 'wrong'}")


if __name__ == "__main__":
    _demo()
