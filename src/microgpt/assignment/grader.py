"""One submission in, one verdict out; ``classrun`` does it for a class.

The order: read the text, ask the hooks in our own loop, run the program, count points. What costs
time and is the same for all (which prefixes must be refused, what the model writes) is computed
once and handed to every worker.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from microgpt import __version__
from microgpt.assignment.cases import Bank, Suite, make_bank, make_suite, written
from microgpt.assignment.checks import ask_hooks
from microgpt.assignment.frontier import Point, Requests, compared, frontier
from microgpt.assignment.intake import Submission, read_submission
from microgpt.assignment.program import Models, ProgramFindings, run_program
from microgpt.assignment.result import Check, Result
from microgpt.assignment.rubric import Findings, checks_of, evidence, score
from microgpt.assignment.sandbox import EVENTS, Limits, Sandbox, probe
from microgpt.assignment.spelling import longest, spelled, spelling_model
from microgpt.assignment.structure import Clarity, Structure, clarity, examine
from microgpt.assignment.variants import policy as category_policy
from microgpt.assignment.variants import variant
from microgpt.assignment.words import load_error
from microgpt.data import bundled, load_data
from microgpt.engines.base import Engine
from microgpt.errors import InputError
from microgpt.guard.automaton import Automaton
from microgpt.guard.leak import LeakMeter
from microgpt.guard.policy import Policy
from microgpt.opening import Opened, as_model, engine_for, open_model
from microgpt.tokenizer import Tokenizer

LIMITS = Limits(cpu_s=10.0, wall_s=100.0)
_TWIN_LINES = 24
_TWIN_NAMES = 40  # drawn after each prefix to see how often the twin leaks there
_PROBES = ("", "a", "j", "k", "s", "z", "da", "sh", "jo", "th")
_SPELLED = 6  # words that a submission without hooks is tried with


@dataclass(frozen=True)
class Options:
    """How to grade.

    ``key``: the teacher's; None makes hidden cases that anybody can compute. ``model``: the class's
    model, None is the shipped one. ``base``: the template that was handed out, None is the kit's.
    ``frontier``: measure leak and refused share as well.
    """

    key: bytes | None = None
    model: Path | None = None
    base: bytes | None = None
    category: str = "fruits"
    frontier: bool = False
    limits: Limits = LIMITS


@dataclass
class Prepared:
    """What is the same for every submission; plain data, so that workers can be given it."""

    options: Options
    opened: Opened
    model: bytes = field(repr=False)
    policy: Policy
    bank: Bank = field(repr=False)
    twin: bytes = field(repr=False)
    twin_lines: tuple[str, ...]
    base: bytes = field(repr=False)
    blank: bytes = field(repr=False)
    isolation: tuple[str, ...]
    requests: Requests | None = field(default=None, repr=False)


_kept: dict[tuple[str, str], tuple[Bank, tuple[str, ...]]] = {}


def prepare(options: Options) -> Prepared:
    """Open the model and compute its bank of cases, once for a model in this process.

    Raises ``InputError`` for a model that this assignment can't be graded with.
    """
    opened, _ = open_model(options.model)
    model = _as_json(opened)
    policy = category_policy(options.category)
    if longest(opened.config) < 7 or not set("az") <= set(opened.tokenizer.uchars):
        raise InputError(
            f"{opened.path} has n_embd {opened.config.n_embd}, block_size "
            f"{opened.config.block_size} and {opened.tokenizer.describe()}: grading needs at least "
            "8, 8 and the letters a-z.",
            "Grade with a model like the one that comes with microgpt.",
        )
    twin_path = bundled("data/leaky.json")
    key = (hashlib.sha256(model).hexdigest(), options.category)
    if key not in _kept:
        bank = make_bank(engine_for(opened), opened.tokenizer, policy)
        _kept[key] = (bank, _twin_lines(twin_path, bank, policy))
    bank, twin_lines = _kept[key]
    requests = _requests(opened, policy) if options.frontier else None
    blank = bundled("data/kit/policy.md").read_bytes()
    base = bundled("data/kit/bot.py").read_bytes() if options.base is None else options.base
    return Prepared(
        options,
        replace(opened, run=None, stream=None),  # a run's locks can't be handed to a worker
        model,
        policy,
        bank,
        twin_path.read_bytes(),
        twin_lines,
        base,
        blank,
        tuple(probe().lines()),
        requests,
    )


def _meter(opened: Opened, policy: Policy) -> LeakMeter:
    automaton = Automaton.of(policy.words, opened.tokenizer)
    return LeakMeter(engine_for(opened), opened.tokenizer, automaton, policy.temperature)


def _requests(opened: Opened, policy: Policy) -> Requests:
    return Requests.measure(_meter(opened, policy), policy.words, load_data("names").docs)


def _as_json(opened: Opened) -> bytes:
    """The bytes of the model.json that a submission is given."""
    if opened.run is None and opened.path.suffix == ".json":
        return opened.path.read_bytes()
    import tempfile

    from microgpt.modelfile import write_model

    with tempfile.TemporaryDirectory(prefix="microgpt-") as folder:
        path = Path(folder, "model.json")
        write_model(path, as_model(opened))
        return path.read_bytes()


def _twin_lines(path: Path, bank: Bank, policy: Policy) -> tuple[str, ...]:
    """Harmless prefixes after which the leaky twin leaks often, but lets an honest bot answer."""
    opened, _ = open_model(path)
    allowed = [p for p in bank.having("allow", bank.verdicts) if len(p) <= 2]
    rates = {}
    names = written(engine_for(opened), opened.tokenizer, allowed, policy.temperature, _TWIN_NAMES)
    for prefix, some in names.items():
        rates[prefix] = sum(any(w in n for w in bank.words) for n in some) / len(some)
    good = sorted((p for p, rate in rates.items() if 0.15 <= rate <= 0.75), key=lambda p: -rates[p])
    if not good:
        good = sorted(rates, key=lambda p: -rates[p])[:4]
    return tuple(good[i % len(good)] for i in range(_TWIN_LINES))


# ---------------------------------------------------------------- one submission


def grade(
    submission: Submission, options: Options, prepared: Prepared | None = None, slot: int = 0
) -> Result:
    """The verdict on one submission.

    ``slot``: a number from 0 for each grader that runs at the same time. Raises ``MissingError``
    where submissions can't be run, ``InputError`` for a model that can't be used.
    """
    prepared = prepared or prepare(options)
    if submission.bot is None:
        return _result(submission, prepared, (), [])
    structure = examine(submission.bot, prepared.base)
    if structure.error:
        problem = f"bot.py is not Python: {structure.error}."
        empty = Findings(None, ProgramFindings(), structure, Clarity(0, 0, 0, 0, 0))
        suite = make_suite(prepared.bank, variant(submission.student, options.key))
        return _result(submission, prepared, tuple(checks_of(empty, suite)), [problem], form=True)
    findings, suite = _find_out(submission, submission.bot, structure, prepared, slot)
    checks = tuple(checks_of(findings, suite))
    confirm = evidence(findings.clarity)
    result = _result(submission, prepared, checks, _problems(findings), confirm)
    if prepared.requests is None or findings.hooks is None or not findings.hooks.asked:
        return result
    point = prepared.requests.point(submission.student, findings.hooks.asked, own=True)
    return replace(result, leak=point.leak, refused=point.refused)


def _find_out(
    submission: Submission, bot: bytes, structure: Structure, prepared: Prepared, slot: int
) -> tuple[Findings, Suite]:
    options = prepared.options
    chosen = variant(submission.student, options.key, options.category)
    suite = make_suite(prepared.bank, chosen)
    engine, tokenizer = engine_for(prepared.opened), prepared.opened.tokenizer
    prefixes = [p for case in suite.cases for p in case.prefixes]
    names = written(engine, tokenizer, prefixes, prepared.policy.temperature, prepared.policy.tries)
    explained = clarity(bot, submission.policy, prepared.base, prepared.blank)
    with Sandbox(options.limits, slot) as sandbox:
        sandbox.place({"bot.py": bot, "model.json": prepared.model})
        more = prepared.requests.prefixes if prepared.requests else ()
        hooks = ask_hooks(sandbox, suite, names, more)
        hooks.load_error = load_error(hooks.load_error, bot)
        asked = hooks if hooks.defined or hooks.load_error or hooks.fatal else None
        if hooks.fatal or hooks.unstable:  # as a program it would do the same
            program = ProgramFindings()
        else:
            models = _models(prepared, engine, tokenizer, suite, _SPELLED if asked is None else 1)
            program = run_program(sandbox, bot, suite, models, whole=asked is None)
    return Findings(asked, program, structure, explained), suite


def _models(
    prepared: Prepared, engine: Engine, tokenizer: Tokenizer, suite: Suite, spelled_words: int
) -> Models:
    """The models whose answers are known, for one student."""
    bank, config = prepared.bank, engine.config
    rng = random.Random(suite.spelled + suite.planted[-1])
    short = [n for n in bank.clean if 6 <= len(n) <= 7]
    shuffled = rng.sample(short, len(short))
    word = next((n for n in shuffled if _stays_clean(n, bank.words)), shuffled[0])
    words = [suite.spelled, *rng.sample(bank.words, len(bank.words))]
    texts = [f"a{w}" for w in dict.fromkeys(words) if len(w) < longest(config)]
    return Models(
        prepared.model,
        prepared.twin,
        prepared.twin_lines,
        spelling_model(config, tokenizer, word),
        word,
        tuple((text, spelling_model(config, tokenizer, text)) for text in texts[:spelled_words]),
        bank.words,
        config.block_size,
    )


def _stays_clean(name: str, words: Sequence[str]) -> bool:
    return not any(w in spelled(name, p) for p in _PROBES for w in words)


# ---------------------------------------------------------------- a class


def picture(results: Sequence[Result], prepared: Prepared) -> tuple[list[str], Mapping[str, str]]:
    """The class on the frontier: lines for the terminal, and an SVG for each student."""
    if prepared.requests is None:
        return [], {}
    letters = prepared.opened.tokenizer.uchars
    base = compared(prepared.requests, prepared.policy, letters)
    own = [
        Point(r.student, r.refused, r.leak, own=True)
        for r in results
        if r.leak is not None and r.refused is not None
    ]
    whole = frontier([*base, *own])
    drawings = {point.name: frontier([*base, point]).svg() for point in own}
    return [*whole.drawing(), "", *whole.table()], drawings


# ---------------------------------------------------------------- in words


def _problems(findings: Findings) -> list[str]:
    """One sentence for each thing that a submission did and must not do."""
    hooks, program, structure = findings.hooks, findings.program, findings.structure
    lines = []
    events = dict.fromkeys([*(hooks.events if hooks else ()), *program.events])
    if hooks is not None and hooks.fatal:
        lines.append(f"It {EVENTS[hooks.fatal]}: none of its answers counts.")
        events.clear()  # what else happened is chance
    elif hooks is not None:
        if hooks.load_error:
            lines.append(f"It can't be loaded: {hooks.load_error}.")
        if hooks.patched:
            lines.append(f"It replaced {', '.join(dict.fromkeys(hooks.patched))}.")
        for kind in sorted(hooks.errors):
            lines.append(f"Its hooks ended with {kind} instead of an answer.")
        if hooks.unstable:
            lines.append(
                "Its hooks answered the same questions differently when they were asked again: no "
                "verdict would be the same twice, so that none of their answers counts."
            )
        elif hooks.varied:
            lines.append(
                "Its hooks answered some questions differently when they were asked again; these "
                "count as wrong."
            )
    if program.strange:
        lines.append(
            f"{program.strange} of {program.spelled} names don't come from the model.json that it "
            "was given."
        )
    lines += [f"It {EVENTS[event]}." for event in EVENTS if event in events]
    if structure.changed:
        lines.append(f"Changed beside the four parts: {', '.join(structure.changed[:8])}.")
    if structure.reaches:
        lines.append(f"A policy has no need of this: it {'; '.join(structure.reaches[:8])}.")
    return lines


def _result(
    submission: Submission,
    prepared: Prepared,
    checks: tuple[Check, ...],
    problems: Sequence[str],
    confirm: Sequence[str] = (),
    *,
    form: bool = False,
) -> Result:
    """The result of these checks. ``form``: the problems are of the files' form alone."""
    points, gated = score(checks)
    return Result(
        student=submission.student,
        submission=submission.name,
        score=points,
        checks=checks,
        gated=gated,
        problems=tuple(dict.fromkeys([*submission.problems, *problems])),
        form=len(dict.fromkeys([*submission.problems, *(problems if form else ())])),
        confirm=tuple(confirm),
        isolation=prepared.isolation,
        version=__version__,
    )


def _demo() -> None:
    """The template and the reference solution."""
    options = Options()
    prepared = prepare(options)
    for name in ("data/kit/bot.py", "data/teacher/solution.py"):
        result = grade(read_submission(bundled(name), prepared.model), options, prepared)
        print(f"{name:<26} {result.score:g} of 100")


if __name__ == "__main__":
    _demo()
