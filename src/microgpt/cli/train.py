"""``microgpt train``: a run from its first step, or from where it stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NoReturn

from cyclopts import Parameter

from microgpt.batches import token_counts
from microgpt.calling import command
from microgpt.cli import fail, note, options, visible
from microgpt.cli.options import (
    DataArgument,
    FlagsArgument,
    HardwareArgument,
    TokenizerArgument,
)
from microgpt.cli.screen import make_screen
from microgpt.config import DTYPES, FLAGS, Config
from microgpt.data import BUNDLED, Dataset, load_data
from microgpt.disk.checkpoint import RunDir, Snapshot
from microgpt.engines import CHOICES, mend, passed_over
from microgpt.engines.hardware import HARDWARE, Hardware
from microgpt.errors import CheckpointError, InputError, Interrupted
from microgpt.evaluation import random_floor
from microgpt.importing import FROM_THE_MODEL
from microgpt.opening import planned, resume_point, run_data, run_tokenizer
from microgpt.runfacts import create_run
from microgpt.start import suited
from microgpt.stopping import Stop, stop_on_signals
from microgpt.summary import memorise_warning, summary
from microgpt.tokenizer import AnyTokenizer
from microgpt.training import ON_THE_WAY, Trainer
from microgpt.vocabulary import Wanted

_LEG = ("engine", "dtype", "threads", *HARDWARE)
_FILE_OPTIONS = {
    "preset": str,
    "data": str,
    "file": list,
    "split_by": str,
    "column": str,
    "field": str,
    "encoding": str,
    "tokenizer": str,
    "vocab_size": int,
    **dict.fromkeys(ON_THE_WAY, int),
    "engine": str,
    "dtype": str,
    "threads": int,
    **HARDWARE,
}

_FREE = [f"--{name.replace('_', '-')}" for name in ("steps", *_LEG, *ON_THE_WAY, "stop_after")]


def train(
    *file: Annotated[
        Path,
        Parameter(help="Your own data: text, CSV or JSON, also compressed; - is standard input."),
    ],
    data: Annotated[
        str | None, Parameter(help=f"Bundled data: {', '.join(BUNDLED)}. [names]")
    ] = None,
    split_by: Annotated[
        str | None,
        Parameter(
            help="What a document is: line, blank-line (a paragraph), none (the whole file). "
            "[line; of shakespeare none]"
        ),
    ] = None,
    preset: Annotated[str | None, Parameter(help="final or early. [final]")] = None,
    config: Annotated[
        Path | None, Parameter(help="A TOML file with any of these settings.")
    ] = None,
    engine: Annotated[str | None, Parameter(help=f"{', '.join(CHOICES)}. [auto]")] = None,
    dtype: Annotated[
        str | None,
        Parameter(help=f"{', '.join(DTYPES)}; the last two are torch's alone. [float64]"),
    ] = None,
    threads: Annotated[
        int | None,
        Parameter(help="CPU threads to use. [1; all cores for 16 or more documents per step]"),
    ] = None,
    out: Annotated[
        Path | None, Parameter(help="The run's directory. [runs/NAME-1, -2, ...]")
    ] = None,
    save_every: Annotated[
        int | None, Parameter(help="Steps between saves. [every 10 seconds]")
    ] = None,
    stop_after: Annotated[
        int | None, Parameter(help="Save and stop after this many of the planned steps.")
    ] = None,
    eval_every: Annotated[
        int | None,
        Parameter(
            help="Steps between measurements of the held-out loss; 0 measures only at the end. "
            "[with --holdout and 100 or more steps, a tenth of them; else 0]"
        ),
    ] = None,
    eval_docs: Annotated[
        int | None,
        Parameter(
            help="Held-out documents, or windows, to measure on; 0 uses all. [1,000 during "
            "training; at the end, as many as about 20 seconds allow]"
        ),
    ] = None,
    patience: Annotated[
        int | None,
        Parameter(help="Stop after this many measurements without an improvement. [never]"),
    ] = None,
    sample_every: Annotated[
        int | None, Parameter(help="Steps between a few samples during training. [none]")
    ] = None,
    log_every: Annotated[
        int | None,
        Parameter(help="Steps between lines. [1; more if that would give over 1,000 lines]"),
    ] = None,
    quiet: Annotated[
        bool, Parameter(help="Print only notes; with --json, no steps.", negative="")
    ] = False,
    resume: Annotated[
        Path | None,
        Parameter(help="Resume the run in this directory from where it was last saved."),
    ] = None,
    json: Annotated[bool, Parameter(help="Print one JSON object per line.", negative="")] = False,
    how: DataArgument = None,
    words: TokenizerArgument = None,
    on: HardwareArgument = None,
    flags: FlagsArgument = None,
) -> None:
    """Train a model on the bundled names, or on your own file, and write new documents.

    Without any flags: the preset final, 1,000 steps on 32,033 names, which is the published run.
    A whole file that is longer than block_size is running text, like shakespeare: unless --long
    says otherwise, each step takes random windows of it, and what is written are three passages
    as long as a block, but from 200 to 500 tokens, instead of twenty documents. With --tokenizer
    bpe a token stands for one or more bytes that often occur together: block_size, tokens and the
    loss then count those, and bits per byte compare with a model of characters.
    """
    if log_every is not None and log_every < 1:
        raise InputError(f"log-every is {log_every}, must be at least 1.")
    leg = {
        "engine": engine,
        "dtype": dtype,
        "threads": threads,
        "save_every": save_every,
        "eval_every": eval_every,
        "eval_docs": eval_docs,
        "patience": patience,
        "sample_every": sample_every,
        **options.hardware(on),
    }
    if resume is not None:
        fixed = {"data": data, "split_by": split_by, "preset": preset, "config": config, "out": out}
        fixed |= options.reading(how) | options.tokenizing(words)
        plan = _resume(resume, file, {**options.given(flags), **_not_none(fixed)})
    else:
        named = {"data": data, "file": file or None, "split_by": split_by, "preset": preset}
        named |= options.reading(how) | options.tokenizing(words)
        plan = _begin(config, _not_none(named), options.given(flags), out)
    plan.leg = {**_taken_over(plan, _not_none(leg)), **_not_none(leg)}
    try:
        plan.notices += _describe(plan, show=not (json or quiet))
    except BrokenPipeError:
        raise Interrupted("Nobody reads the output any more: nothing was trained.") from None
    for notice in plan.notices:
        note(notice)
    _train(plan, _Show(json, log_every, quiet), stop_after)


@dataclass(frozen=True)
class _Show:
    """How the run is shown: JSON or not, steps between lines (None: decided later), or nothing."""

    as_json: bool
    log_every: int | None
    quiet: bool


@dataclass
class _Plan:
    """What is to be trained, decided from flags and files before any work is done."""

    config: Config
    dataset: Dataset
    tokenizer: AnyTokenizer
    given: str | None = None  # the tokenizer.json that was named
    out: Path | None = None
    run_dir: RunDir | None = None
    snapshot: Snapshot | None = None
    leg: dict[str, Any] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


def _begin(
    toml: Path | None, named: dict[str, Any], hyper: dict[str, Any], out: Path | None
) -> _Plan:
    """A new run: preset < TOML file < flags."""
    settings = options.read_toml(toml, _FILE_OPTIONS) if toml else {}
    if "data" in named and "file" in named:
        raise InputError(
            f"Both a file, {named['file'][0]}, and --data {named['data']} are given.",
            "Choose one of them.",
        )
    if "data" in named or "file" in named:
        settings = {k: v for k, v in settings.items() if k not in ("data", "file")}
    chosen = {**settings, **named}
    if (own := chosen.get("file")) is not None:
        source: str | list[Path] = [Path(one) for one in ([own] if isinstance(own, str) else own)]
    else:
        source = chosen.get("data", "names")
        if source not in BUNDLED:
            raise InputError(
                f"--data is {source!r}, must be one of {', '.join(BUNDLED)}.",
                f"To train on a file of your own: {command('train', 'FILE')}",
            )
    read_as = {k: chosen[k] for k in ("column", "field", "encoding") if k in chosen}
    wanted = Wanted(chosen.get("tokenizer"), chosen.get("vocab_size"))
    from_file = {k: v for k, v in settings.items() if k not in _FILE_OPTIONS}
    config = options.build(chosen.get("preset", "final"), from_file, hyper)
    dataset = load_data(source, chosen.get("split_by"), **read_as)
    tokenizer = wanted.of(config, dataset)
    config = dataclasses.replace(config, vocab_size=tokenizer.vocab_size)
    if "long" not in hyper and "long" not in from_file:
        config = suited(config, dataset, tokenizer)
    leg = {k: settings[k] for k in (*_LEG, *ON_THE_WAY) if k in settings}
    given = None if wanted.file is None else wanted.asked
    return _Plan(config, dataset, tokenizer, given, out, leg=leg, notices=list(dataset.notes))


def _resume(path: Path, moved_to: Sequence[Path], changed: dict[str, Any]) -> _Plan:
    """An existing run, whose configuration is fixed except for the number of steps."""
    steps = changed.pop("steps", None)
    for name, value in changed.items():
        flag = f"--{name.replace('_', '-')}"
        raise InputError(
            f"{flag} can't be changed when a run is resumed.",
            f"Only {', '.join(_FREE[:-1])} and {_FREE[-1]} may differ."
            + (_another(path, flag, value) if name in FLAGS and name not in FROM_THE_MODEL else ""),
        )
    run_dir = RunDir.open(path)
    dataset = run_data(run_dir, moved_to or None)
    snapshot, notices = resume_point(run_dir)
    leg = {k: run_dir.run.get(k) for k in (*_LEG, *ON_THE_WAY)}
    if snapshot:
        leg |= {k: snapshot.state.get(k) for k in _LEG}
    for name, value in leg.items():
        if value is not None and type(value) is not _FILE_OPTIONS[name]:
            raise CheckpointError(
                f"{run_dir.path} was trained with {name} {value!r}, which is not a valid value.",
                f"Give another one: --{name.replace('_', '-')}",
            )
    config = planned(run_dir, snapshot)
    if steps is not None and steps != config.steps:
        config = _longer(config, steps, snapshot.step if snapshot else 0, notices)
    tokenizer = run_tokenizer(run_dir)
    return _Plan(config, dataset, tokenizer, None, None, run_dir, snapshot, leg, notices)


def _taken_over(plan: _Plan, asked: dict[str, Any]) -> dict[str, Any]:
    """What the run or the TOML file says of a leg; of a run by another engine not its hardware."""
    same = asked.get("engine", plan.leg.get("engine")) == plan.leg.get("engine")
    if same or plan.run_dir is None:
        return plan.leg
    return {name: value for name, value in plan.leg.items() if name not in HARDWARE}


def _longer(config: Config, steps: int, done: int, notices: list[str]) -> Config:
    """The configuration with another number of planned steps; adds a notice of what that means."""
    if steps < done:
        raise InputError(
            f"--steps is {steps}, but the run is at step {done} already.",
            "Steps are counted from the first one: give a larger number.",
        )
    before, config = config.steps, dataclasses.replace(config, steps=steps)
    if done < steps:
        rate = f"lr continues at {config.lr_at(done):.4g} from step {done + 1:,}"
        if config.schedule != "constant":
            rate += f" and falls to 0 at the end ({config.schedule})"
        notices.append(f"{steps:,} steps are planned now, {before:,} before: {rate}.")
    return config


def _another(path: Path, flag: str, value: object) -> str:
    """How to continue training with another recipe."""
    words: tuple[object, ...] = (flag, value)
    if isinstance(value, bool):
        words = (flag if value else flag.replace("--", "--no-"),)
    said = command("import", path, "--out", "NEW", *words)
    return f" To start another run from its weights: {said}"


def _train(plan: _Plan, show: _Show, stop_after: int | None) -> None:
    with stop_on_signals() as stop:
        left = f"{plan.run_dir.path} is as it was" if plan.run_dir else "nothing was written"
        unbegun = Interrupted(f"Stopped before the first step: {left}.")
        stop.last_words = lambda: fail(unbegun, show.as_json)
        try:
            trainer = _trainer(plan, stop, stop_after)
        except KeyboardInterrupt:
            raise unbegun from None
        stop.working = True
        if plan.run_dir is None:  # made last, so that a mistake above leaves no directory behind
            trainer.run_dir = create_run(plan.out, trainer, given=plan.given)
        assert trainer.run_dir is not None
        path = trainer.run_dir.path
        again = command("train", "--resume", path)

        def slow() -> None:
            note(
                f"stopping: step {trainer.step + 1} is still being computed, and will be saved. "
                f"Ctrl-C once more stops at once; {path} then keeps step {trainer.saved_at}."
            )

        def at_once() -> Interrupted:
            return Interrupted(
                f"Stopped at once, at step {trainer.step}; what was saved before is in {path}.",
                f"Continue from there with: {again}",
            )

        stop.slow = slow
        stop.last_words = lambda: fail(at_once(), show.as_json)
        try:
            _follow(trainer, show)
        except KeyboardInterrupt:  # the second one
            raise at_once() from None
        finally:
            trainer.close()
        if trainer.ended_early:
            note(
                f"stopped early, at step {trainer.step:,}: the last {trainer.best.since} "
                f"measurements were no better than {trainer.best.loss:.4f} at step "
                f"{trainer.best.step:,}, which is kept. Use it with --best."
            )
        elif trainer.step < trainer.config.steps and not (show.as_json or show.quiet):
            print(f"stopped after step {trainer.step} as asked, saved in {path}")
            print(f"continue with: {again}")
        if (loss := trainer.worse_than_guessing) is not None:
            floor = random_floor(trainer.config.vocab_size)
            note(
                f"this model is worse than guessing blindly: {loss:.2f} against {floor:.2f} nats "
                f"per token. Use a smaller --lr (now {trainer.config.lr:g})."
            )


def _trainer(plan: _Plan, stop: Stop, stop_after: int | None) -> Trainer:
    """The trainer of a plan; notes why a faster engine was passed over."""
    leg = plan.leg
    on_the_way: dict[str, Any] = {name: leg.get(name) for name in ON_THE_WAY}
    trainer = Trainer(
        plan.config,
        plan.dataset,
        tokenizer=plan.tokenizer,
        engine=leg.get("engine") or "auto",
        dtype=leg.get("dtype") or "float64",
        threads=leg.get("threads"),
        hardware=Hardware(**_not_none({name: leg.get(name) for name in HARDWARE})),
        run_dir=plan.run_dir,
        snapshot=plan.snapshot,
        stop_after=stop_after,
        stopped=stop,
        **on_the_way,
    )
    if leg.get("engine") in (None, "auto"):
        for name, reason in passed_over(trainer.engine.name, trainer.config, trainer.dtype).items():
            note(f"Using {trainer.engine.name}: {name} {reason}. {mend(name)}".rstrip())
    return trainer


def _follow(trainer: Trainer, show: _Show) -> None:
    """Train, and show each event; when nobody can see them any more, save and stop."""
    screen = make_screen(
        show.as_json, trainer.judge.floors, show.log_every, show.quiet, trainer.pace
    )
    trainer.told = screen.measuring
    try:
        for event in trainer.events():
            try:
                screen.show(event)
            except OSError as error:
                _unread(trainer, error)
    except BaseException:
        with contextlib.suppress(OSError):
            screen.close()
        raise
    try:
        screen.close()
    except OSError as error:
        _unread(trainer, error)


def _unread(trainer: Trainer, error: OSError) -> NoReturn:
    """Save and stop: the output's reader, its terminal or its disk is gone."""
    for _ in trainer.save():
        pass
    if error.errno not in (errno.EPIPE, errno.EIO):
        raise error
    assert trainer.run_dir is not None
    path, step, steps = trainer.run_dir.path, trainer.step, trainer.config.steps
    done = f"Training is finished and saved in {path}."
    so_far = f"Stopped at step {step} of {steps}, saved in {path}."
    raise Interrupted(
        f"Nobody reads the output any more. {done if step == steps else so_far}",
        f"Continue with: {command('train', '--resume', path)}",
    )


def _describe(plan: _Plan, show: bool) -> list[str]:
    """Print what the data contains, if it is to be shown; return what is worth a warning."""
    found = summary(plan.dataset, plan.config.block_size, _tokens(plan), plan.config.vocab_size)
    unit = "character" if plan.tokenizer.kind == "character" else "token"
    lines = found.lines() if show else []
    if lines and found.running and plan.config.long == "window":
        lines.append("each step   random windows, since one text has no documents (--long window)")
    for line in lines:
        print(visible(line))
    sys.stdout.flush()
    notes = []
    if plan.config.block_size == 1:
        notes.append(
            f"block_size 1: the model sees only one token and can write only one {unit}. "
            "Use 2 or more."
        )
    elif plan.config.long == "cut" and found.longer_than_block and found.running:
        notes.append(
            f"only the text's first {plan.config.block_size - 1:,} {unit}s are trained on, "
            "because it is cut at block_size. Use --long window."
        )
    elif plan.config.long == "cut" and found.longer_than_block:
        notes.append(
            f"{found.longer_than_block:,} of {found.documents:,} documents are longer than "
            f"block_size {plan.config.block_size} allows: the rest of each is not trained on. "
            "Use a larger --block-size, or --long window."
        )
    if (warning := memorise_warning(found, plan.config.parameters())) is not None:
        notes.append(warning)
    return notes


def _tokens(plan: _Plan) -> Counter[int] | None:
    """How many documents have how many tokens; None where a token is a character."""
    if plan.tokenizer.kind == "character":
        return None
    return Counter(token_counts(plan.dataset.docs, plan.tokenizer).tolist())


def _not_none(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}
