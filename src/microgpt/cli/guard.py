"""``microgpt bot`` and ``microgpt chat``: a model that answers within the limits of a policy."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from microgpt.cli import note, visible
from microgpt.cli.sample import DigestFlag, EngineFlag, run_marks
from microgpt.cli.screen import MARK_SIGNS, MARKS_EXPLAINED
from microgpt.errors import InputError
from microgpt.guard.bot import Answer, Bot, serve
from microgpt.guard.policy import Policy
from microgpt.interrupts import as_key, held
from microgpt.opening import Opened, engine_for, open_model
from microgpt.sampling import Marks
from microgpt.tokenizer import characters_of

RunArgument = Annotated[
    Path | None, Parameter(help="Run directory, model.json or .safetensors. [the shipped model]")
]
PolicyFlag = Annotated[
    Path | None,
    Parameter(help="TOML file that says what must not be named. [the shipped one: fruits]"),
]
ConstrainedFlag = Annotated[
    bool, Parameter(help="Never sample a letter that completes a forbidden word.", negative="")
]
TemperatureFlag = Annotated[
    float | None, Parameter(help="Lower is safer, higher is more varied. [the policy's]")
]
SeedFlag = Annotated[
    int | None, Parameter(help="Seed of the random stream. [a run's own stream, else 42]")
]


def bot(
    run: RunArgument = None,
    /,
    *,
    policy: PolicyFlag = None,
    constrained: ConstrainedFlag = False,
    temperature: TemperatureFlag = None,
    seed: SeedFlag = None,
    engine: EngineFlag = "auto",
    ignore_digest: DigestFlag = False,
) -> None:
    """Answer requests, one per line, until the input ends: OK with names, or REFUSE with a reason.

    A request is one or more prefixes, separated by white space; a blank line asks for any name.
    """
    with held():
        _, made = _open(run, policy, constrained, temperature, seed, engine, ignore_digest)
    if sys.stdin is not None:
        serve(made, sys.stdin.buffer, sys.stdout.buffer)


def chat(
    run: RunArgument = None,
    /,
    *,
    policy: PolicyFlag = None,
    constrained: ConstrainedFlag = False,
    temperature: TemperatureFlag = None,
    seed: SeedFlag = None,
    engine: EngineFlag = "auto",
    ignore_digest: DigestFlag = False,
) -> None:
    """The bot for a person at a terminal: type how names should begin, and get names."""
    # Ctrl-C ends it at any point, like Ctrl-D: there is nothing to save. cli.run sees to that.
    with held():
        opened, made = _open(run, policy, constrained, temperature, seed, engine, ignore_digest)
    marks = run_marks(opened)
    print(f"{opened.path.name} under the policy {visible(made.policy.name)}.")
    print("Type how a name begins (or several, with spaces), or just press Enter. Ctrl-D quits.")
    if marks is not None:
        print(" · ".join(f"{MARK_SIGNS[m]} {m}: {why}" for m, why in MARKS_EXPLAINED.items()))
    with held():
        prompt = _prompt()
    editing = as_key() if prompt else contextlib.nullcontext()
    with editing, contextlib.suppress(EOFError):  # Ctrl-D
        while sys.stdin is not None:
            for line in _shown(made.answer(input(prompt)), marks):
                print(line, flush=True)
    if prompt:
        print()


def _open(
    run: Path | None,
    policy: Path | None,
    constrained: bool,
    temperature: float | None,
    seed: int | None,
    engine: str,
    ignore_digest: bool,
) -> tuple[Opened, Bot]:
    """The model and a bot built on it, with notes on what the user should know."""
    import numpy.random  # noqa: F401 - else the first answer loads it, when Ctrl-C isn't held back

    if seed is not None and not 0 <= seed < 2**32:
        raise InputError(f"seed is {seed}, must be from 0 to {2**32 - 1}.")
    chosen = Policy.shipped() if policy is None else Policy.read(policy)
    if temperature is not None:
        chosen = replace(chosen, temperature=temperature)
    opened, notices = open_model(run, ignore_digest=ignore_digest)
    for notice in notices:
        note(notice)
    tokenizer = characters_of(opened.tokenizer, opened.path, "the bot needs")
    made = Bot(
        engine_for(opened, engine),
        tokenizer,
        chosen,
        opened.rng(seed),
        constrained=constrained,
    )
    if lost := made.rails.unwritable:
        note(
            f"{len(lost):,} of the policy's {len(chosen.words):,} words need letters that this "
            f"model doesn't write, such as {lost[0]}."
        )
    return opened, made


def _prompt() -> str:
    """The prompt at a terminal, with line editing where available; nothing in a pipe."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    if not sys.stdin or not sys.stdin.isatty():
        return ""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - input() edits lines once this is loaded
    return "> "


def _shown(answer: Answer, marks: Marks | None) -> list[str]:
    """An answer as a person sees it: one line per name, or why there is none."""
    if answer.refusal is not None:
        return [f"  refused: {visible(answer.refusal, keep='')}"]
    names = [visible(name, keep="") for name in answer.names]
    width = max(map(len, names))
    lines = []
    for shown, name in zip(names, answer.names, strict=True):
        mark = marks.of(name) if marks else None
        lines.append(f"  {shown:<{width}}  {MARK_SIGNS[mark]} {mark}" if mark else f"  {shown}")
    if answer.held_back:
        lines.append(f"  ({answer.held_back} held back along the way)")
    return lines
