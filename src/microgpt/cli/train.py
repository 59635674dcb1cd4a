"""``microgpt train``: a run from its first step, or from where it stopped."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

from cyclopts import Parameter

from microgpt.calling import command
from microgpt.checkpoint import RunDir, Snapshot
from microgpt.cli import note, options, visible
from microgpt.cli.options import DataArgument, FlagsArgument
from microgpt.cli.screen import make_screen
from microgpt.config import DTYPES, FLAGS, SHAPE, Config
from microgpt.data import BUNDLED, Dataset, load_data, memorise_warning, summary
from microgpt.engines import CHOICES, mend, passed_over
from microgpt.errors import CheckpointError, InputError, Interrupted
from microgpt.evaluation import bigram_floor, random_floor
from microgpt.opening import resume_point, run_data, run_tokenizer
from microgpt.tokenizer import Tokenizer
from microgpt.training import Trainer, create_run

_LEG = ("engine", "dtype", "threads")
_FILE_OPTIONS = {
    "preset": str,
    "data": str,
    "file": list,
    "split_by": str,
    "column": str,
    "field": str,
    "encoding": str,
    "save_every": int,
    "engine": str,
    "dtype": str,
    "threads": int,
}


def train(
    *file: Annotated[
        Path,
        Parameter(help="Your own data: text, CSV or JSON, packed too; - is standard input."),
    ],
    data: Annotated[
        str | None, Parameter(help=f"A bundled list: {', '.join(BUNDLED)}. [names]")
    ] = None,
    split_by: Annotated[
        str | None,
        Parameter(help="What a document is: line, blank-line (paragraph), none (all). [line]"),
    ] = None,
    preset: Annotated[str | None, Parameter(help="final or early. [final]")] = None,
    config: Annotated[Path | None, Parameter(help="TOML file with any of these settings.")] = None,
    engine: Annotated[str | None, Parameter(help=f"{', '.join(CHOICES)}. [auto]")] = None,
    dtype: Annotated[str | None, Parameter(help=f"{', '.join(DTYPES)}. [float64]")] = None,
    threads: Annotated[
        int | None, Parameter(help="[1; all cores from 16 documents a step on]")
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
    resume: Annotated[
        Path | None, Parameter(help="Go on with the run in this directory, from its last save.")
    ] = None,
    json: Annotated[bool, Parameter(help="Print one JSON object a line.", negative="")] = False,
    how: DataArgument = None,
    flags: FlagsArgument = None,
) -> None:
    """Train a model on the bundled names, or on your own file, and write new documents.

    Without flags: preset final, 1,000 steps on 32,033 names, the published run.
    """
    leg = {"engine": engine, "dtype": dtype, "threads": threads, "save_every": save_every}
    if resume is not None:
        fixed = {"data": data, "split_by": split_by, "preset": preset, "config": config, "out": out}
        fixed |= options.reading(how)
        plan = _resume(resume, file, {**options.given(flags), **_not_none(fixed)})
    else:
        named = {"data": data, "file": file or None, "split_by": split_by, "preset": preset}
        named |= options.reading(how)
        plan = _begin(config, _not_none(named), options.given(flags), out)
    plan.leg |= _not_none(leg)
    if not json:
        plan.notices += _describe(plan)
    for notice in plan.notices:
        note(notice)
    _train(plan, stop_after, json)


@dataclass
class _Plan:
    """What is to be trained, decided from flags and files, before any work."""

    config: Config
    dataset: Dataset
    tokenizer: Tokenizer
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
    dataset = load_data(source, chosen.get("split_by", "line"), **read_as)
    tokenizer = Tokenizer.of(dataset.docs)
    from_file = {k: v for k, v in settings.items() if k not in _FILE_OPTIONS}
    config = options.build(
        chosen.get("preset", "final"), from_file, hyper, {"vocab_size": tokenizer.vocab_size}
    )
    leg = {k: settings[k] for k in (*_LEG, "save_every") if k in settings}
    where = out or _free_directory(dataset.name)
    return _Plan(config, dataset, tokenizer, where, leg=leg, notices=list(dataset.notes))


def _resume(path: Path, moved_to: Sequence[Path], changed: dict[str, Any]) -> _Plan:
    """An old run, whose configuration is fixed."""
    for name, value in changed.items():
        flag = f"--{name.replace('_', '-')}"
        raise InputError(
            f"{flag} can't be changed when a run is resumed.",
            "Only --engine, --dtype, --threads, --save-every and --stop-after may differ."
            + (_another(path, flag, value) if name in FLAGS and name not in SHAPE else ""),
        )
    run_dir = RunDir.open(path)
    dataset = run_data(run_dir, moved_to or None)
    snapshot, notices = resume_point(run_dir)
    leg = {k: run_dir.run.get(k) for k in (*_LEG, "save_every")}
    if snapshot:
        leg |= {k: snapshot.state.get(k) for k in _LEG}
    for name, value in leg.items():
        if value is not None and type(value) is not _FILE_OPTIONS[name]:
            raise CheckpointError(
                f"{run_dir.path} was trained with {name} {value!r}, which is no such setting.",
                f"Give another: --{name.replace('_', '-')}",
            )
    tokenizer = run_tokenizer(run_dir)
    return _Plan(run_dir.config, dataset, tokenizer, None, run_dir, snapshot, leg, notices)


def _another(path: Path, flag: str, value: object) -> str:
    """The way to train on with another recipe."""
    words: tuple[object, ...] = (flag, value)
    if isinstance(value, bool):
        words = (flag if value else flag.replace("--", "--no-"),)
    said = command("import", path, "--out", "NEW", *words)
    return f" To begin another run from its weights: {said}"


def _train(plan: _Plan, stop_after: int | None, as_json: bool) -> None:
    with _stop_on_signals() as stopped:
        _train_until(stopped, plan, stop_after, as_json)


def _train_until(
    stopped: Callable[[], bool], plan: _Plan, stop_after: int | None, as_json: bool
) -> None:
    leg = plan.leg
    trainer = Trainer(
        plan.config,
        plan.dataset,
        tokenizer=plan.tokenizer,
        engine=leg.get("engine") or "auto",
        dtype=leg.get("dtype") or "float64",
        threads=leg.get("threads"),
        run_dir=plan.run_dir,
        snapshot=plan.snapshot,
        save_every=leg.get("save_every"),
        stop_after=stop_after,
        stopped=stopped,
    )
    if not as_json and leg.get("engine") in (None, "auto"):
        for name, reason in passed_over(trainer.engine.name, trainer.config, trainer.dtype).items():
            note(f"{trainer.engine.name} does the work: {name} {reason}. {mend(name)}")
    if plan.out is not None:  # made last, so that a mistake above leaves no directory behind
        trainer.run_dir = create_run(plan.out, trainer)
    assert trainer.run_dir is not None

    def floors() -> dict[str, float]:
        return {
            "random": random_floor(trainer.config.vocab_size),
            "bigram": bigram_floor(plan.dataset.docs, plan.tokenizer),
        }

    screen = make_screen(as_json, floors)
    try:
        for event in trainer.events():
            screen.show(event)
    except KeyboardInterrupt:  # the second one
        path = trainer.run_dir.path
        raise Interrupted(
            f"Stopped at once, at step {trainer.step}; what was saved before is in {path}.",
            f"Go on from there with: {command('train', '--resume', path)}",
        ) from None
    finally:
        screen.close()
        trainer.engine.close()
    if not as_json and trainer.step < trainer.config.steps:
        print(f"stopped after step {trainer.step} as asked, saved in {trainer.run_dir.path}")
        print(f"go on with: {command('train', '--resume', trainer.run_dir.path)}")


def _describe(plan: _Plan) -> list[str]:
    """Print what the data holds; return what is worth a warning."""
    found = summary(plan.dataset, plan.config.block_size)
    for line in found.lines():
        print(visible(line))
    notes = []
    if plan.config.block_size == 1:
        notes.append(
            "block_size 1: the model sees one token only and can write one character. "
            "Use 2 or more."
        )
    elif plan.config.long == "cut" and found.longer_than_block:
        notes.append(
            f"{found.longer_than_block:,} of {found.documents:,} documents are longer than "
            f"block_size {plan.config.block_size} allows: what is beyond is not trained on. "
            "Use a larger --block-size, or --long window."
        )
    if (warning := memorise_warning(found, plan.config.parameters())) is not None:
        notes.append(warning)
    return notes


@contextmanager
def _stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Within, Ctrl-C and SIGTERM ask for a stop; a second one stops at once, unsaved.

    Gives the question whether a stop was asked for.
    """
    asked = False
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(signum: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    try:
        for number in before:
            signal.signal(number, ask)
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _free_directory(name: str) -> Path:
    """``runs/NAME-n`` with a number above all there are."""
    stem = re.sub(r"[^\w-]+", "-", Path(name).name.split(".")[0]).strip("-") or "run"
    runs = Path("runs")
    taken = [
        int(match[1])
        for path in (runs.iterdir() if runs.is_dir() else ())
        if (match := re.fullmatch(re.escape(stem) + r"-(\d+)", path.name))
    ]
    return runs / f"{stem}-{max(taken, default=0) + 1}"


def _not_none(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}
