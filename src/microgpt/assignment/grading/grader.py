"""One submission in, one verdict out; ``classrun`` does it for a class.

The order: read the text, ask the hooks in our own loop, run the program, count points. What costs
time and is the same for all (which prefixes must be refused, what the model writes) is computed
once and handed to every worker. What belongs to one student (the text parsed, the cases chosen) is
made here once, and each part is given what it needs: none calls back.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from microgpt import __version__
from microgpt.assignment.box.probe import probe
from microgpt.assignment.box.sandbox import EVENTS, Limits, Sandbox
from microgpt.assignment.grading.bank import Bank, keep_bank, kept_bank, make_bank
from microgpt.assignment.grading.cases import Suite, make_suite
from microgpt.assignment.grading.checks import HookFindings, Question, ask_hooks
from microgpt.assignment.grading.clarity import clarity
from microgpt.assignment.grading.frontier import Point, Requests, compared, frontier
from microgpt.assignment.grading.likelihood import Other, other_ways, telling
from microgpt.assignment.grading.program import ProgramFindings, Setting, run_program
from microgpt.assignment.grading.rubric import Findings, checks_of, evidence, score
from microgpt.assignment.grading.structure import Structure, examine, unknown_template
from microgpt.assignment.grading.tries import Tries, Writer
from microgpt.assignment.grading.twin import Twin, make_twin
from microgpt.assignment.intake.source import HOOKS, Source
from microgpt.assignment.intake.submissions import Submission, read_submission
from microgpt.assignment.kit.variants import BEGINNINGS, derive, variant
from microgpt.assignment.kit.variants import policy as category_policy
from microgpt.assignment.result import Check, Result
from microgpt.assignment.words import load_error
from microgpt.data import bundled, load_data
from microgpt.engines.base import Engine
from microgpt.errors import InputError
from microgpt.guard.automaton import Automaton
from microgpt.guard.leak import LeakMeter
from microgpt.guard.policy import Policy
from microgpt.opening import Opened, as_model, engine_for, open_model
from microgpt.tokenizer import characters_of

LIMITS = Limits(cpu_s=20.0, wall_s=200.0)
_TELLING = 80  # prefixes after which attention shows most
_OTHER = "Grade with a model like the one that comes with microgpt."
_SHORTEST = 8  # n_embd and block_size that a model needs at least


@dataclass(frozen=True)
class Options:
    """How to grade.

    ``key``: the teacher's; None makes hidden cases that anybody can compute. ``model``: the class's
    model, None is the shipped one; ``ignore_digest``: also if it was changed since it was written.
    ``base``: the template that was handed out, None is the kit's. ``frontier``: measure leak and
    refused share as well.
    """

    key: bytes | None = None
    model: Path | None = None
    base: bytes | None = None
    category: str = "fruits"
    frontier: bool = False
    limits: Limits = LIMITS
    ignore_digest: bool = False


@dataclass
class Prepared:
    """What is the same for every submission; plain data, so that workers can be given it.

    ``notices``: what is to be said of the model's file, a line each.
    """

    options: Options
    opened: Opened
    model: bytes = field(repr=False)
    policy: Policy
    bank: Bank = field(repr=False)
    twin: Twin = field(repr=False)
    tries: Tries = field(repr=False)
    telling: tuple[str, ...] = field(repr=False)
    base: bytes = field(repr=False)
    blank: bytes = field(repr=False)
    isolation: tuple[str, ...]
    requests: Requests | None = field(default=None, repr=False)
    notices: tuple[str, ...] = ()


_Common = tuple[Bank, Twin, Tries, tuple[str, ...]]
_kept: dict[tuple[str, str, bytes], _Common] = {}


def prepare(options: Options) -> Prepared:
    """Open the model and compute what a class has in common, once for a key in this process.

    Raises ``InputError`` for a model that this assignment can't be graded with.
    """
    opened, notices = open_model(options.model, ignore_digest=options.ignore_digest)
    characters_of(opened.tokenizer, opened.path, "grading needs", _OTHER)
    model = _as_json(opened)
    policy = category_policy(options.category)
    config = opened.config
    smallest = min(config.n_embd, config.block_size)
    if smallest < _SHORTEST or not set("az") <= set(opened.characters.uchars):
        raise InputError(
            f"{opened.path} has n_embd {config.n_embd}, block_size {config.block_size} and "
            f"{opened.characters.describe()}: grading needs at least {_SHORTEST}, {_SHORTEST} and "
            "the letters a-z.",
            _OTHER,
        )
    requests = _requests(opened, policy) if options.frontier else None
    blank = bundled("data/kit/policy.md").read_bytes()
    base = bundled("data/kit/bot.py").read_bytes() if options.base is None else options.base
    return Prepared(
        options,
        replace(opened, run=None, stream=None),  # a run's locks can't be handed to a worker
        model,
        policy,
        *_common(opened, model, policy, options),
        base,
        blank,
        tuple(probe().lines()),
        requests,
        tuple(notices),
    )


def _common(opened: Opened, model: bytes, policy: Policy, options: Options) -> _Common:
    """The bank, the twin and what the model writes: from memory, from the disk, or computed."""
    about = hashlib.sha256(model + repr(policy).encode()).hexdigest()
    key = options.key or b""
    if (about, options.category, key) not in _kept:
        engine, tokenizer = engine_for(opened), opened.characters
        bank = kept_bank(key, about, policy.words)
        if bank is None:
            seed = derive(options.key, None, f"bank of {options.category}")
            bank = make_bank(engine, tokenizer, policy, seed, also=BEGINNINGS)
            keep_bank(key, about, bank)
        drawn = int.from_bytes(derive(options.key, None, f"twin of {options.category}")[:8], "big")
        twin = make_twin(opened.config, tokenizer, bank.words, policy.temperature, drawn)
        tries = Tries(policy.temperature, policy.tries)
        tries.fill(engine, tokenizer, bank.having("allow", bank.verdicts))
        blind = other_ways(engine, policy.temperature)[0].engine
        some = telling(engine, blind, tokenizer, tries.known, policy.temperature, _TELLING)
        _kept[about, options.category, key] = bank, twin, tries, tuple(some)
    return _kept[about, options.category, key]


def _meter(opened: Opened, policy: Policy) -> LeakMeter:
    automaton = Automaton.of(policy.words, opened.characters)
    return LeakMeter(engine_for(opened), opened.characters, automaton, policy.temperature)


def _requests(opened: Opened, policy: Policy) -> Requests:
    return Requests.measure(_meter(opened, policy), policy.words, load_data("names").docs)


def _as_json(opened: Opened) -> bytes:
    """The bytes of the model.json that a submission is given."""
    if opened.run is None and opened.path.suffix == ".json":
        return opened.path.read_bytes()
    import tempfile

    from microgpt.disk.modelfile import write_model

    with tempfile.TemporaryDirectory(prefix="microgpt-") as folder:
        path = Path(folder, "model.json")
        write_model(path, as_model(opened))
        return path.read_bytes()


# ---------------------------------------------------------------- one submission


def grade(
    submission: Submission, options: Options, prepared: Prepared | None = None, slot: int = 0
) -> Result:
    """The verdict on one submission.

    ``slot``: a number from 0 for each grader that runs at the same time. Raises ``MissingError``
    where submissions can't be run, ``InputError`` for a model that can't be used.
    """
    prepared = prepared or prepare(options)
    source = submission.source
    if source is None:
        return _result(submission, prepared, (), [])
    structure = examine(source, prepared.base)
    if structure.newer:
        told = f"Not graded: {structure.newer}. Grade it with that Python, or by hand."
        return replace(_result(submission, prepared, (), [told], form=True), graded=False)
    chosen = variant(submission.student, prepared.options.key, prepared.options.category)
    suite = make_suite(prepared.bank, chosen)
    explained = clarity(source, submission.policy, prepared.base, prepared.blank)
    if structure.error:
        problem = f"bot.py is not valid Python: {structure.error}."
        empty = Findings(None, ProgramFindings(), structure, explained)
        return _result(submission, prepared, tuple(checks_of(empty, suite)), [problem], form=True)
    hooks, program = _behaviour(source, structure, suite, prepared, slot)
    findings = Findings(hooks, program, structure, explained)
    checks = tuple(checks_of(findings, suite))
    unknown = unknown_template(structure)
    confirm = [*([unknown] if unknown else ()), *evidence(findings.clarity)]
    result = _result(submission, prepared, checks, _problems(findings), confirm)
    if prepared.requests is None or findings.hooks is None or not findings.hooks.asked:
        return result
    point = prepared.requests.point(submission.student, findings.hooks.asked, own=True)
    return replace(result, leak=point.leak, refused=point.refused)


_ready: dict[bytes, tuple[Engine, list[Other]]] = {}


def _engines(prepared: Prepared) -> tuple[Engine, list[Other]]:
    """The class's model, and other ways of writing names with it, loaded once in a process."""
    if prepared.model not in _ready:
        engine = engine_for(prepared.opened)
        _ready.clear()
        _ready[prepared.model] = engine, other_ways(engine, prepared.policy.temperature)
    return _ready[prepared.model]


def _behaviour(
    source: Source, structure: Structure, suite: Suite, prepared: Prepared, slot: int
) -> tuple[HookFindings | None, ProgramFindings]:
    """What the hooks and the program did; no hooks of a file that is judged as a program."""
    twin, bot = prepared.twin, source.data
    (engine, others), tokenizer = _engines(prepared), prepared.opened.characters
    writes = Writer(prepared.tries, engine, tokenizer)
    lines = (*twin.sharp, *twin.sure, *twin.leaky, *twin.few)
    also: list[Question] = [(HOOKS[0], (line.prefix,)) for line in lines]
    also += [(HOOKS[1], line.word) for line in lines]
    with Sandbox(prepared.options.limits, slot) as sandbox:
        sandbox.place({"bot.py": bot, "model.json": prepared.model})
        more = prepared.requests.prefixes if prepared.requests else ()
        hooks = ask_hooks(sandbox, suite, writes, prepared.bank.words, also, more)
        hooks.load_error = load_error(hooks.load_error, bot)
        asked = hooks if hooks.defined or hooks.load_error or hooks.fatal else None
        if not hooks.believed:  # as a program it would do the same
            return asked, ProgramFindings()
        setting = Setting(
            prepared.model,
            engine,
            others,
            prepared.telling,
            tokenizer,
            twin,
            prepared.bank.words,
            prepared.policy.temperature,
            prepared.policy.tries,
        )
        untouched = structure.template and not structure.changed and not structure.reaches
        thorough = not untouched or bool(hooks.patched)
        return asked, run_program(sandbox, bot, suite, setting, asked, thorough=thorough)


# ---------------------------------------------------------------- a class


def picture(results: Sequence[Result], prepared: Prepared) -> tuple[list[str], Mapping[str, str]]:
    """The class on the frontier: lines for the terminal, and an SVG for each student."""
    if prepared.requests is None:
        return [], {}
    letters = prepared.opened.characters.uchars
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
        lines.append(f"It {EVENTS[hooks.fatal]}: none of its answers count.")
        events.clear()  # what else happened is chance
    elif hooks is not None:
        if hooks.load_error:
            lines.append(f"It can't be loaded: {hooks.load_error}.")
        if hooks.patched:
            lines.append(f"It replaced {', '.join(dict.fromkeys(hooks.patched))}.")
        for kind in sorted(hooks.errors):
            lines.append(f"Its hooks raised {kind} instead of answering.")
        if hooks.unstable:
            lines.append(
                "Its hooks answered the same questions differently when they were asked again: no "
                "verdict would be the same twice, so none of their answers count."
            )
        elif hooks.varied:
            lines.append(
                "Its hooks answered some questions differently when they were asked again; these "
                "count as wrong."
            )
    lines += _about_program(program)
    if hooks is not None and hooks.believed:
        lines += _about_hooks(hooks)
    lines += [f"It {EVENTS[event]}." for event in EVENTS if event in events]
    if structure.changed:
        lines.append(f"Changed outside the four parts: {', '.join(structure.changed[:8])}.")
    if structure.reaches:
        lines.append(f"A policy doesn't need this: it {'; '.join(structure.reaches[:8])}.")
    return lines


def _how(limits: Limits) -> str:
    """What every student is told of the grader."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"Graded by microgpt {__version__} with Python {python}. The two functions may use "
        f"{limits.cpu_s:g} seconds of computing time for all questions together, the whole program "
        f"{limits.cpu_s:g} more."
    )


def _about_hooks(hooks: HookFindings) -> Iterator[str]:
    """What the hooks' answers are worth saying."""
    if hooks.changed:
        yield (
            "is_safe_request changes the list that it is given, so the loop carries on with what "
            "is left of it. That is a mistake, not cheating: let it work on a copy."
        )
    if hooks.named:
        yield (
            f"{hooks.named} of {hooks.refusals} reasons contain a banned word themselves, or look "
            "like a reply: these refusals count as wrong."
        )
    if hooks.plain:
        yield (
            f"{hooks.plain} of {hooks.refusals} reasons are not a sentence of two words or more. "
            "(The loop writes REFUSE itself: don't begin a reason with it.)"
        )


def _about_program(program: ProgramFindings) -> Iterator[str]:
    """What the runs of the whole program are worth saying."""
    if program.foreign:
        yield f"Its names don't come from model.json as they should: {program.foreign}."
    if program.extra:
        yield "It prints more than its replies: is there a print left over from testing?"
    if program.spoken:
        yield (
            f"{program.spoken} replies contain a banned word that its own hooks hold back: the "
            "loop around them isn't the one that was given."
        )
    elif program.blurted:
        yield f"{program.blurted} replies to harmless requests contain a banned word."
    if program.tries:
        yield f"It makes {program.tries} tries for a name than the given loop."


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
        confirm=(*submission.notes, *confirm),
        isolation=prepared.isolation,
        version=__version__,
        graded=submission.bot is not None or submission.empty,
        late=submission.late,
        how=_how(prepared.options.limits),
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
