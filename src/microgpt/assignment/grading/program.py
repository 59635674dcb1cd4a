"""The submission run as it was handed in: one request a line in, one reply a line out.

Here the submission's own loop, sampler and file reading count. It runs twice. With the class's own
model, every reply is held against the protocol, against what the two hooks said in the grader's
own loop, against the policy (each word of it), and, all together, against the model: names are as
likely as the model's are (``likelihood``). With the class's twin, it is known what must come
(``twin``).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from microgpt.assignment.grading.cases import Suite
from microgpt.assignment.grading.checks import FATAL, HookFindings
from microgpt.assignment.grading.likelihood import Other, fit, likelier
from microgpt.assignment.grading.replies import (
    Reply,
    fits,
    is_sentence,
    names_banned,
    plays_reply,
    read_replies,
    says_banned,
)
from microgpt.assignment.grading.twin import Line, Twin
from microgpt.engines.base import Engine
from microgpt.tokenizer import Tokenizer

if TYPE_CHECKING:
    from microgpt.assignment.box.sandbox import RunOutcome, Sandbox

MARKS = {
    "one line": (3.0, "one line for each request, OK or REFUSE"),
    "names": (2.0, "as many names as prefixes, each beginning with its prefix"),
    "nothing else": (2.0, "nothing else on standard output"),
    "reason": (2.0, "a reason that is a sentence of two words or more"),
    "crlf": (1.0, "lines that end with CR LF, blank ones too"),
    "no newline": (1.0, "a last line without its newline"),
    "long": (1.0, "a line of 5,000 letters"),
    "thousand": (1.0, "1,000 requests in one go"),
    "odd": (1.0, "NUL, emoji, digits and punctuation"),
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
_FLUSH = {"j": ("j",), "123": (), "": ("",), "an": ("an",)}
_CRLF = {"j": ("j",), "": ("",), "an ka": ("an", "ka"), "123": ()}
_THOUSAND = 1000
_EACH = 40  # cases of a kind, for a submission without hooks
_FEW_TIMES = 16  # each line of the twin on which tries are counted
_FAR = 4.5  # standard deviations from which names can't be the model's: once in 100,000 bots
_LIKELIER = 9.0  # log of how many times likelier another way makes them: by luck once in 8,000
_MISSES = 2  # sharp lines of the twin that may come out differently, by luck
_SAME = 1 / 3  # share of requests that got the same name twice, from which nothing is drawn
_LEAST_KEPT = 0.9  # of real names: whose filter takes fewer writes other names than the model


@dataclass(frozen=True)
class Amount:
    """How much of each kind of line is sent.

    With the class's model: ``twice``, letters that are asked for once more; ``telling``, prefixes
    after which attention shows; ``several`` and ``bad``, cases. With the twin: ``sharp``, ``sure``
    and ``leaky``, lines of it.
    """

    twice: int
    telling: int
    several: int
    bad: int
    sharp: int
    sure: int
    leaky: int


_LITTLE = Amount(twice=8, telling=0, several=5, bad=30, sharp=8, sure=3, leaky=4)
"""For a bot whose text shows that its loop is the one given."""
_MUCH = Amount(twice=10, telling=24, several=6, bad=60, sharp=99, sure=99, leaky=99)


@dataclass(frozen=True)
class Request:
    """One line that is sent, with its end. ``case``: its index in the suite, if it has one."""

    line: bytes
    prefixes: tuple[str, ...]
    about: str
    case: int | None = None


@dataclass
class ProgramFindings:
    """What the program did.

    ``marks``: share of each of ``MARKS`` that was right. ``asked``: cases that were asked at all.
    ``outcomes``: case → "OK" or "REFUSE", or
    empty for a reply that keeps to no protocol or says what must not be said. ``foreign``: why its
    names aren't the model's, or empty. ``missed``: sharp lines of the twin that came out otherwise,
    of ``sharp``. ``spoken``: banned words in replies that its hooks hadn't let pass; ``blurted``:
    names with a banned word after harmless requests, with the class's model. ``leaked``: replies
    with a banned word that the twin got past the filter, of ``twins``. ``passed``: lines that
    weren't refused although every try held a banned word, of ``hopeless``. ``tries``: why it
    can't have made as many tries as it should, or empty. ``extra``: it printed other lines.
    ``tried``: it was run at all.
    """

    marks: dict[str, float] = field(default_factory=lambda: dict.fromkeys(MARKS, 0.0))
    asked: set[int] = field(default_factory=set)
    outcomes: dict[int, str] = field(default_factory=dict)
    foreign: str = ""
    missed: int = 0
    sharp: int = 0
    spoken: int = 0
    blurted: int = 0
    leaked: int = 0
    twins: int = 0
    passed: int = 0
    hopeless: int = 0
    tries: str = ""
    extra: bool = False
    events: list[str] = field(default_factory=list)
    cpu_s: float = 0.0
    tried: bool = False

    @property
    def protocol(self) -> float:
        """Share of the protocol that was kept, weighted."""
        return sum(w * self.marks[n] for n, (w, _) in MARKS.items()) / _TOTAL


_TOTAL = sum(weight for weight, _ in MARKS.values())


@dataclass(frozen=True)
class Setting:
    """What a submission is run with: the class's model and engine, its twin, the banned words.

    ``others``: other ways of writing names, which the bot's are held against. ``telling``:
    harmless prefixes after which it shows most whether attention is there.
    """

    model: bytes = field(repr=False)
    engine: Engine
    others: Sequence[Other]
    telling: Sequence[str]
    tokenizer: Tokenizer
    twin: Twin
    words: tuple[str, ...]
    temperature: float
    tries: int


def run_program(
    sandbox: Sandbox,
    bot: bytes,
    suite: Suite,
    setting: Setting,
    hooks: HookFindings | None,
    *,
    thorough: bool,
) -> ProgramFindings:
    """Both runs of a submission as a program.

    ``hooks``: what its hooks did; None for a submission without, which is asked cases of all kinds.
    ``thorough``: where the text doesn't show that the loop is the one given, more is asked, and the
    tries are counted as well.
    """
    run = _Run(sandbox, bot, suite, setting, hooks, thorough)
    run.main()
    findings = run.findings
    if not findings.outcomes and not any(findings.marks.values()):
        return findings
    if run.left > 0 and not set(FATAL) & set(findings.events):
        run.twin()
    return findings


class _Run:
    """Starts the program with one model after the other, within one budget of CPU time."""

    def __init__(
        self,
        sandbox: Sandbox,
        bot: bytes,
        suite: Suite,
        setting: Setting,
        hooks: HookFindings | None,
        thorough: bool,
    ) -> None:
        self.thorough = thorough or hooks is None
        self.amount = _MUCH if self.thorough else _LITTLE
        self.sandbox, self.bot, self.suite = sandbox, bot, suite
        self.setting, self.hooks = setting, hooks
        self.findings = ProgramFindings(tried=True)
        self.left = sandbox.limits.cpu_s
        self.rng = random.Random(suite.seed + 1)

    def start(self, model: bytes, first: Sequence[str], rest: Sequence[Request]) -> RunOutcome:
        """One run; its events and CPU time are noted."""
        self.sandbox.place({"bot.py": self.bot, "model.json": model})
        limits = replace(self.sandbox.limits, cpu_s=max(1.0, self.left))
        data = b"".join(request.line for request in rest)
        seed = self.rng.getrandbits(31)
        if first:
            outcome = self.sandbox.run(first, seed, True, limits, data)
        else:
            outcome = self.sandbox.run(data, seed, False, limits)
        self.left -= outcome.cpu_s
        self.findings.cpu_s += outcome.cpu_s
        for event in outcome.events:
            if event not in self.findings.events:
                self.findings.events.append(event)
        return outcome

    # ------------------------------------------------------------ the class's model

    def main(self) -> None:
        """The long run: protocol and cases.

        Where other lines stand between the replies, so that it can't be told which is whose, it is
        run again without the thousand requests: a print left over then costs its own points.
        """
        head = [Request(line.encode(), prefixes, "flush") for line, prefixes in _FLUSH.items()]
        requests = self._requests()
        outcome = self.start(self.setting.model, list(_FLUSH), requests)
        found, alone = read_replies(outcome.out, len(head) + len(requests))
        if not alone and not any(r.head for r in found) and b"OK: " in outcome.out:
            requests = [request for request in requests if request.about != "thousand"]
            outcome = self.start(self.setting.model, list(_FLUSH), requests)
            found, alone = read_replies(outcome.out, len(head) + len(requests))
        pairs = list(zip([*head, *requests], found, strict=True))
        self.findings.extra = not alone and all(reply.head for reply in found)
        self._marks(pairs, alone, outcome)
        outcomes = self.findings.outcomes
        for request, reply in pairs:
            if request.case is not None and reply.head:
                right = fits(reply, request.prefixes, self._size) and not self._says(reply)
                said = reply.head if right else ""
                before = outcomes.get(request.case, said)  # letters are asked twice
                outcomes[request.case] = said if before == said else ""
        self._words(pairs)
        self._fit(pairs)

    @property
    def _size(self) -> int:
        return self.setting.engine.config.block_size

    def _requests(self) -> list[Request]:
        """Cases first, in one shuffled row; then lines of the protocol, the riskiest last."""
        rng, suite, amount = self.rng, self.suite, self.amount
        alone = {
            case.prefixes[0]: i
            for i, case in enumerate(suite.cases)
            if len(case.prefixes) == 1 and not case.refuse and not case.public
        }
        letters = ["", *"abcdefghijklmnopqrstuvwxyz"]
        letters += rng.sample(letters, amount.twice)
        requests = [Request(f"{x}\n".encode(), (x,), "letter", alone.get(x)) for x in letters]
        telling = list(self.setting.telling)
        some = rng.sample(telling, min(amount.telling, len(telling)))
        requests += [Request(f"{p}\n".encode(), (p,), "telling", alone.get(p)) for p in some]
        room = {"one": 0, "several": amount.several, "bad": amount.bad}
        for i in suite.orders[0]:
            case = suite.cases[i]
            kind = "bad" if case.refuse else "several" if len(case.prefixes) > 1 else "one"
            if self.hooks is None:
                kind = f"{case.kind}, {kind}"
            if room.setdefault(kind, _EACH) > 0:
                room[kind] -= 1
                requests.append(Request(f"{case.line}\n".encode(), case.prefixes, "case", i))
        self.findings.asked = {request.case for request in requests if request.case is not None}
        rng.shuffle(requests)
        return [*requests, *_of_protocol()]

    def _marks(
        self, pairs: Sequence[tuple[Request, Reply]], alone: bool, outcome: RunOutcome
    ) -> None:
        marks, size = self.findings.marks, self._size
        good = [bool(reply.head) for _, reply in pairs]
        marks["one line"] = sum(good) / len(good) if alone or not all(good) else 0.0
        marks["nothing else"] = float(alone)
        named = [fits(reply, r.prefixes, size) for r, reply in pairs if reply.head == "OK"]
        if any(good):
            marks["names"] = sum(named) / len(named) if named else 1.0
            marks["end"] = float(outcome.code == 0)
            reasons = [y.reason for x, y in pairs if y.head == "REFUSE" and x.case is not None]
            fine = [is_sentence(reason) for reason in reasons]
            marks["reason"] = sum(fine) / len(fine) if fine else 1.0
        for about in ("odd", "long", "crlf", "no newline"):
            these = [_answers(x, y, size) for x, y in pairs if x.about == about]
            marks[about] = sum(these) / len(these)
        marks["crlf"] = float(marks["crlf"] == 1)
        many = [_answers(x, y, size) for x, y in pairs if x.about == "thousand"]
        marks["thousand"] = float(bool(many) and all(many) and outcome.code == 0)
        heads = {reply.head for request, reply in pairs if request.about == "capitals"}
        marks["capitals"] = float(len(heads) == 1 and heads != {""})
        marks["flush"] = float(all(reply is not None for reply in outcome.replies))

    def _says(self, reply: Reply) -> bool:
        """Whether a reply holds what must not be said."""
        words = self.setting.words
        if reply.head == "OK":
            return any(names_banned(name, words) for name in reply.names)
        return says_banned(reply.reason, words) or plays_reply(reply.reason)

    def _words(self, pairs: Sequence[tuple[Request, Reply]]) -> None:
        """Judge what was said. What the hooks would have held back is the loop's own doing."""
        bad = [(request, reply) for request, reply in pairs if self._says(reply)]
        names = {
            name
            for _, reply in bad
            for name in reply.names
            if names_banned(name, self.setting.words)
        }
        harmless = [
            (request, reply)
            for request, reply in bad
            if reply.head == "OK"
            and (request.case is None or not self.suite.cases[request.case].refuse)
            and request.about != "capitals"
        ]
        self.findings.blurted = len(harmless)
        if self.hooks is None or not bad:
            return
        unknown = sorted(name for name in names if self.hooks.accepts(name) is None)[:100]
        known = self._asked(unknown)
        for _, reply in bad:
            if reply.head == "REFUSE":
                self.findings.spoken += self.hooks.named == 0
            else:
                accepted = [known.get(n, self.hooks.accepts(n)) for n in reply.names if n in names]
                self.findings.spoken += any(one is False for one in accepted)

    def _asked(self, names: Sequence[str]) -> dict[str, bool]:
        """What is_safe_name says to names that weren't asked before."""
        if not names:
            return {}
        with self.sandbox.hooks(self.rng.getrandbits(31)) as hooks:
            calls = [("is_safe_name", [name], self.rng.getrandbits(62)) for name in names]
            answers = hooks.calls(calls)
        return {n: bool(a.value) for n, a in zip(names, answers, strict=True) if not a.error}

    def _fit(self, pairs: Sequence[tuple[Request, Reply]]) -> None:
        """Are these names the model's, as a whole?"""
        hooks = self.hooks
        if hooks is not None and (hooks.changed or hooks.share(hooks.kept) < _LEAST_KEPT):
            return
        known = set(self.setting.tokenizer.uchars)
        drawn: list[tuple[str, str]] = []
        twice: dict[str, list[str]] = {}
        for request, reply in pairs:
            if not fits(reply, request.prefixes, self._size) or reply.head != "OK":
                continue
            names = list(zip(request.prefixes, reply.names, strict=True))
            if any(set(name) - known or len(name) > self._size for _, name in names):
                self.findings.foreign = "they have characters or lengths that the model can't write"
                return
            if request.about == "long":
                continue
            drawn += names
            if request.about == "letter":
                twice.setdefault(request.prefixes[0], []).append(reply.names[0])
        if len(drawn) < 20:
            return
        setting = self.setting
        how = fit(setting.engine, setting.tokenizer, drawn, setting.temperature)
        same = [len(set(some)) < len(some) for some in twice.values() if len(some) > 1]
        what, gain = likelier(
            setting.engine, setting.others, setting.tokenizer, drawn, setting.temperature
        )
        if gain > _LIKELIER:
            self.findings.foreign = f"they look as if written with {what}"
        elif how.surprise > _FAR:
            self.findings.foreign = "they are too unlikely: another forward pass or temperature"
        elif how.surprise < -_FAR:
            self.findings.foreign = (
                "they are too likely: another temperature, or always the likeliest letter"
            )
        elif how.counts > _FAR:
            self.findings.foreign = "their letters aren't as frequent as the model makes them"
        elif len(same) >= _LITTLE.twice and sum(same) > _SAME * len(same):
            self.findings.foreign = (
                "the same request gets the same name again: nothing is drawn at random"
            )

    # ------------------------------------------------------------ the twin

    def twin(self) -> None:
        """The model whose words are known."""
        twin, findings = self.setting.twin, self.findings
        amount = self.amount
        lines = [(x.prefix, x, "sharp") for x in twin.sharp[: amount.sharp]]
        good = [x.prefix for x in twin.sharp if self._open(x)] or [x.prefix for x in twin.sharp]
        for i, x in enumerate(twin.sure[: amount.sure]):
            other = good[i % len(good)]
            text = (x.prefix, f"{other} {x.prefix}", f"{x.prefix} {other}")[i % 3]
            lines.append((text, x, "sure"))
        lines += [(x.prefix, x, "leaky") for x in twin.leaky[: amount.leaky]]
        if self.thorough:
            lines += [(x.prefix, x, "few") for x in twin.few for _ in range(_FEW_TIMES)]
        self.rng.shuffle(lines)
        requests = [Request(f"{t}\n".encode(), tuple(t.split()), kind) for t, _, kind in lines]
        outcome = self.start(twin.model, (), requests)
        found, _ = read_replies(outcome.out, len(requests))
        few = []
        for (_, line, kind), reply in zip(lines, found, strict=True):
            if kind == "sharp" and reply.head and self._open(line):
                findings.sharp += 1
                findings.missed += reply.names != (line.word,)
            elif kind == "sure":
                findings.hopeless += 1
                findings.passed += reply.head != "REFUSE"
            elif kind == "leaky" and reply.head == "OK":
                findings.twins += 1
                findings.leaked += self._says(reply)
            elif kind == "few" and self._shut(line):
                few.append((line, reply.head))
            if reply.head == "REFUSE" and self._says(reply):
                findings.spoken += self.hooks is not None and self.hooks.named == 0
        changed = self.hooks is not None and self.hooks.changed  # its own doing, and said already
        if findings.missed > _MISSES and not findings.foreign and not changed:
            findings.foreign = "given another model, it doesn't write what that model writes"
        findings.tries = "" if findings.foreign else self._tries(few)

    def _open(self, line: Line) -> bool:
        """Whether the hooks let a line of the twin through, so that its word must come."""
        hooks = self.hooks
        if hooks is None:
            return True
        return bool(hooks.lets(line.prefix)) and bool(hooks.accepts(line.word))

    def _shut(self, line: Line) -> bool:
        """Whether the request passes, and the banned word doesn't."""
        hooks = self.hooks
        if hooks is None:
            return self.findings.leaked == 0
        return bool(hooks.lets(line.prefix)) and hooks.accepts(line.word) is False

    def _tries(self, few: Sequence[tuple[Line, str]]) -> str:
        """How many requests were refused, against how many should be after so many tries."""
        if not few:
            return ""
        chances = [line.chance**self.setting.tries for line, _ in few]
        refused = sum(head == "REFUSE" for _, head in few)
        spread = max(1e-9, sum(p * (1 - p) for p in chances)) ** 0.5
        away = (refused - sum(chances)) / spread
        if abs(away) <= 4:
            return ""
        return "more" if away < 0 else "fewer"


def _of_protocol() -> list[Request]:
    requests = [Request(f"{line}\n".encode(), ("appl",), "capitals") for line in _CAPITALS]
    for i in range(_THOUSAND):
        requests.append(Request(b"12 34\n" if i % 2 else b"?\n", (), "thousand"))
    requests += [Request(f"{line}\r\n".encode(), p, "crlf") for line, p in _CRLF.items()]
    requests += [Request(f"{line}\n".encode(), p, "odd") for line, p in _ODD.items()]
    requests.append(Request(f"{_LONG}\n".encode(), (_LONG,), "long"))
    return [*requests, Request(b"e", ("e",), "no newline")]


def _answers(request: Request, reply: Reply, block_size: int) -> bool:
    """Whether a line of the protocol got a reply of the right form."""
    if not request.prefixes:
        return reply.head == "REFUSE"
    return fits(reply, request.prefixes, block_size)
