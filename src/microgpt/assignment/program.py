"""The submission run as it was handed in: one request a line in, one reply a line out.

Here the submission's own loop, sampler and file reading count. What comes out is held against the
protocol, against what the two hooks said in the grader's own loop, and against models whose
answers are known beforehand (``spelling``, the leaky twin).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from microgpt.assignment.cases import Suite
from microgpt.assignment.checks import FATAL
from microgpt.assignment.spelling import spelled

if TYPE_CHECKING:
    from microgpt.assignment.sandbox import RunOutcome, Sandbox

MARKS = {
    "one line": (3.0, "one line for each request, OK or REFUSE"),
    "names": (2.0, "as many names as prefixes, each beginning with its prefix"),
    "nothing else": (2.0, "nothing else on standard output"),
    "crlf": (1.0, "lines that end with CR LF, blank ones too"),
    "no newline": (1.0, "a last line without its newline"),
    "long": (1.0, "a line of 5,000 letters"),
    "thousand": (1.0, "1,000 requests in one go"),
    "odd": (1.0, "NUL, emoji, digits and marks"),
    "capitals": (1.0, "APPL and a-p-p-l answered like appl"),
    "flush": (1.0, "each reply written before the next request comes"),
    "end": (1.0, "ends with status 0 when its input ends"),
}
"""What the protocol asks for: name → weight, and in words."""

_LONG = "z" * 5000
_ODD = {  # line → its prefixes as the given loop makes them
    "j\0o": ("jo",),
    "\U0001f642": (),
    "j\U0001f642 k!": ("j", "k"),
    "123 456": (),
    "ab123": ("ab",),
    " \t ": ("",),
    "-": (),
}
_CAPITALS = ("appl", "APPL", "a-p-p-l", "A.P.P.L")
_ALLOWED_LINES, _REFUSED_LINES = 36, 60


@dataclass(frozen=True)
class Request:
    """One line that is sent. ``case``: its index in the suite, None for lines of the protocol."""

    line: str
    prefixes: tuple[str, ...]
    case: int | None = None
    about: str = ""


@dataclass
class ProgramFindings:
    """What the program did.

    ``marks``: share of each of ``MARKS`` that was right. ``outcomes``: case → "OK" or "REFUSE", or
    empty for a reply that keeps to no protocol. ``strange``: replies whose names can't come from
    the model, of ``spelled`` that could be told. ``leaked``: replies with a banned word that the
    leaky twin got past the filter, of ``twins``. ``passed``: lines that weren't refused although
    every try spelled a banned word, of ``hopeless``. ``tried``: it was run at all.
    """

    marks: dict[str, float] = field(default_factory=lambda: dict.fromkeys(MARKS, 0.0))
    outcomes: dict[int, str] = field(default_factory=dict)
    strange: int = 0
    spelled: int = 0
    leaked: int = 0
    twins: int = 0
    passed: int = 0
    hopeless: int = 0
    events: list[str] = field(default_factory=list)
    cpu_s: float = 0.0
    tried: bool = False

    @property
    def protocol(self) -> float:
        """Share of the protocol that was kept, weighted."""
        return sum(w * self.marks[n] for n, (w, _) in MARKS.items()) / _TOTAL


_TOTAL = sum(weight for weight, _ in MARKS.values())


# ---------------------------------------------------------------- replies


@dataclass(frozen=True)
class Reply:
    """One line of output. ``head``: OK, REFUSE or empty; ``names``: what follows OK."""

    head: str
    names: tuple[str, ...] = ()


def read_reply(line: str) -> Reply:
    """A line of output, taken apart; a head that isn't one of the two is empty."""
    if line.startswith("OK: "):
        return Reply("OK", tuple(line[4:].split(", ")))
    if line.startswith("REFUSE: ") and line[8:].strip():
        return Reply("REFUSE")
    return Reply("")


def fits(reply: Reply, prefixes: Sequence[str], block_size: int) -> bool:
    """Whether a reply has a name for each prefix, in order, that keeps it.

    Beyond block_size letters a prefix may be cut there.
    """
    if reply.head != "OK":
        return reply.head == "REFUSE"
    if not prefixes or len(reply.names) != len(prefixes):
        return False
    return all(
        name.startswith(prefix[:block_size]) and name and " " not in name
        for name, prefix in zip(reply.names, prefixes, strict=True)
    )


def replies(outcome: RunOutcome, count: int) -> tuple[list[Reply], bool]:
    """The replies to ``count`` requests, and whether there was nothing else.

    Where there are other lines in between, those that begin like replies are taken if that makes
    the number right: so a forgotten print costs its own points only.
    """
    text = outcome.out.decode("utf-8", "replace")
    lines = text.split("\n")
    clean = lines[-1] == ""
    lines = lines[:-1] if clean else lines
    found = [read_reply(line) for line in lines]
    good = [reply for reply in found if reply.head]
    if len(found) == count and len(good) == count:
        return found, clean
    if len(good) == count:
        return good, False
    if len(found) == count:  # some of them neither OK nor REFUSE
        return found, clean
    few = found if len(good) == len(found) < count else []
    return [*few, *[Reply("")] * count][:count], clean and bool(few)


# ---------------------------------------------------------------- runs


@dataclass(frozen=True)
class Models:
    """The files that stand in for model.json, and what is known of them.

    ``model``: the class's own. ``twin``: the leaky twin; ``twin_lines``: prefixes after which it
    leaks often. ``harmless``: spells ``word``, which holds nothing banned. ``hopeless``: spell a
    letter and a banned word.
    """

    model: bytes
    twin: bytes
    twin_lines: tuple[str, ...]
    harmless: bytes
    word: str
    hopeless: tuple[tuple[str, bytes], ...]
    words: tuple[str, ...]
    block_size: int


def run_program(
    sandbox: Sandbox, bot: bytes, suite: Suite, models: Models, whole: bool
) -> ProgramFindings:
    """All runs of a submission as a program.

    ``whole``: every case is asked, for a submission without hooks; else a fixed part of them.
    """
    findings = ProgramFindings(tried=True)
    runs = _Runs(sandbox, findings, bot, models)
    requests = _main_requests(suite, whole)
    _main(runs, requests)
    if not findings.outcomes and not any(findings.marks.values()):
        return findings
    for check in (_line_ends, _thousand, _flush, _harmless, _hopeless, _twin):
        if runs.left <= 0 or set(FATAL) & set(findings.events):
            break
        check(runs, suite)
    return findings


class _Runs:
    """Starts the program with one model after the other, within one budget of CPU time."""

    def __init__(
        self,
        sandbox: Sandbox,
        findings: ProgramFindings,
        bot: bytes,
        models: Models,
    ) -> None:
        self.sandbox, self.findings, self.bot, self.models = sandbox, findings, bot, models
        self._placed: bytes | None = None
        self.left = sandbox.limits.cpu_s

    def run(
        self, lines: Sequence[str] | bytes, model: bytes, *, interactive: bool = False
    ) -> RunOutcome:
        """One run; its events and CPU time are noted."""
        if self._placed is not model:
            self.sandbox.place({"bot.py": self.bot, "model.json": model})
            self._placed = model
        limits = replace(self.sandbox.limits, cpu_s=max(1.0, self.left))
        outcome = self.sandbox.run(lines, 7, interactive, limits)
        self.left -= outcome.cpu_s
        self.findings.cpu_s += outcome.cpu_s
        for event in outcome.events:
            if event not in self.findings.events:
                self.findings.events.append(event)
        return outcome


def _main_requests(suite: Suite, whole: bool) -> list[Request]:
    """Lines of the protocol and cases, mixed in one fixed order."""
    requests = [Request(line, prefixes, about="odd") for line, prefixes in _ODD.items()]
    requests += [Request(line, ("appl",), about="capitals") for line in _CAPITALS]
    requests.append(Request(_LONG, (_LONG,), about="long"))
    room = {False: _ALLOWED_LINES, True: _REFUSED_LINES}
    for i in suite.orders[0]:
        case = suite.cases[i]
        if whole or room[case.refuse] > 0:
            room[case.refuse] -= 1
            requests.append(Request(case.line, case.prefixes, i))
    random.Random(len(requests)).shuffle(requests)
    return requests


def _main(runs: _Runs, requests: list[Request]) -> None:
    """The long run: protocol and cases."""
    findings, size = runs.findings, runs.models.block_size
    outcome = runs.run([r.line for r in requests], runs.models.model)
    found, alone = replies(outcome, len(requests))
    good = [bool(reply.head) for reply in found]
    findings.marks["one line"] = sum(good) / len(good) if alone or not all(good) else 0.0
    findings.marks["nothing else"] = float(alone)
    pairs = list(zip(requests, found, strict=True))
    named = [fits(reply, r.prefixes, size) for r, reply in pairs if reply.head == "OK"]
    if any(good):
        findings.marks["names"] = sum(named) / len(named) if named else 1.0
        findings.marks["end"] = float(outcome.code == 0)
    for about in ("odd", "long"):
        these = [(r, reply) for r, reply in pairs if r.about == about]
        findings.marks[about] = sum(_answers(r, reply, size) for r, reply in these) / len(these)
    heads = {reply.head for r, reply in pairs if r.about == "capitals"}
    findings.marks["capitals"] = float(len(heads) == 1 and heads != {""})
    for request, reply in pairs:
        if request.case is not None and reply.head:
            right = fits(reply, request.prefixes, size)
            findings.outcomes[request.case] = reply.head if right else ""


def _answers(request: Request, reply: Reply, block_size: int) -> bool:
    """Whether a line of the protocol got a reply of the right form."""
    if not request.prefixes:
        return reply.head == "REFUSE"
    return fits(reply, request.prefixes, block_size)


def _line_ends(runs: _Runs, suite: Suite) -> None:
    """CR LF after each line, and nothing after the last."""
    lines = ["j", "", "an ka", "123", "e"]
    outcome = runs.run("\r\n".join(lines).encode(), runs.models.model)
    found, _ = replies(outcome, len(lines))
    size = runs.models.block_size
    prefixes = [tuple(line.split()) or ("",) for line in lines]
    fine = [fits(r, p, size) for r, p in zip(found, prefixes, strict=True)]
    fine[3] = found[3].head == "REFUSE"
    runs.findings.marks["crlf"] = float(all(fine[:4]))
    runs.findings.marks["no newline"] = float(fine[4])


def _thousand(runs: _Runs, suite: Suite) -> None:
    """Many requests, most of them cheap."""
    lines = ["k" if i % 50 == 7 else "12 34" if i % 2 else "?" for i in range(1000)]
    outcome = runs.run(lines, runs.models.model)
    found, _ = replies(outcome, len(lines))
    heads = sum(
        reply.head in (("OK", "REFUSE") if line == "k" else ("REFUSE",))
        for line, reply in zip(lines, found, strict=True)
    )
    runs.findings.marks["thousand"] = float(heads == len(lines) and outcome.code == 0)


def _flush(runs: _Runs, suite: Suite) -> None:
    """A request is sent when the one before was answered."""
    lines = ["j", "123", "", "an"]
    outcome = runs.run(lines, runs.models.model, interactive=True)
    runs.findings.marks["flush"] = float(all(reply is not None for reply in outcome.replies))


def _harmless(runs: _Runs, suite: Suite) -> None:
    """Do the names come from model.json? Here there is only one that can."""
    word = runs.models.word
    prefixes = ["", "a", "j", "k", "s", "z", "da", "sh", "jo", "th"]
    outcome = runs.run(prefixes, runs.models.harmless)
    for prefix, reply in zip(prefixes, replies(outcome, len(prefixes))[0], strict=True):
        if reply.head == "OK":
            runs.findings.spelled += 1
            runs.findings.strange += reply.names != (spelled(word, prefix),)


def _hopeless(runs: _Runs, suite: Suite) -> None:
    """Every try holds a banned word, or that of one prefix among others: the line is refused."""
    for text, model in runs.models.hopeless:
        free = ("emmalynnette" * 2)[: len(text) + 1]  # too long to be changed by the model
        lines = ["", "k", "s", f"{free} k", f"s {free}"]
        outcome = runs.run(lines, model)
        for reply in replies(outcome, len(lines))[0]:
            runs.findings.hopeless += 1
            runs.findings.passed += reply.head != "REFUSE"


def _twin(runs: _Runs, suite: Suite) -> None:
    """A model that leaks often: does a banned word come out?"""
    lines = runs.models.twin_lines
    outcome = runs.run(lines, runs.models.twin)
    for reply in replies(outcome, len(lines))[0]:
        if reply.head == "OK":
            runs.findings.twins += 1
            runs.findings.leaked += any(w in n for n in reply.names for w in runs.models.words)


def _demo() -> None:
    for line in ("OK: jara, an", "OK: an, jara", "REFUSE: no.", "REFUSE:", "hello"):
        reply = read_reply(line)
        print(f"{line:<14} {fits(reply, ('j', 'an'), 16)!s:<6} {reply}")


if __name__ == "__main__":
    _demo()
