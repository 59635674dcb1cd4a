"""``microgpt sample`` and ``microgpt eval``: what a trained model writes, and its loss."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from microgpt import sampling
from microgpt.batches import TokenTable
from microgpt.calling import command
from microgpt.cli import note, show_json, visible
from microgpt.cli.options import DataArgument, reading
from microgpt.cli.screen import mark_lines, numbered_lines, sample_of
from microgpt.data import load_data
from microgpt.engines import CHOICES
from microgpt.engines.hardware import Hardware
from microgpt.errors import FileError, InputError, MicrogptError
from microgpt.evaluation import measure
from microgpt.heldout import held_out_parts
from microgpt.opening import Opened, engine_for, open_model, run_data
from microgpt.start import Writes, hold_out, marks_at, shuffled
from microgpt.tokenizer import AnyTokenizer

_MOST_UNIQUE = 1_000_000

RunArgument = Annotated[
    Path | None,
    Parameter(
        help="Run directory, model.json, .safetensors or Hugging Face directory. [the newest in "
        "runs/]"
    ),
]
EngineFlag = Annotated[str, Parameter(help=f"{', '.join(CHOICES)}.")]
DeviceFlag = Annotated[
    str,
    Parameter(help="For the engine torch: auto (the fastest there is), cpu, cuda, mps."),
]
JsonFlag = Annotated[bool, Parameter(help="Print one JSON object per line.", negative="")]
BestFlag = Annotated[
    bool,
    Parameter(
        help="Of a run, use the step with the lowest held-out loss, not the last.", negative=""
    ),
]
DigestFlag = Annotated[
    bool,
    Parameter(help="Accept a model file that was changed since it was written.", negative=""),
]
UnknownFlag = Annotated[
    str, Parameter(help="For characters that the model doesn't know: error or skip.")
]


def sample(
    run: RunArgument = None,
    /,
    *,
    count: Annotated[
        int | None, Parameter(alias="-n", help="How many to write. [20; of running text 3]")
    ] = None,
    prefix: Annotated[
        str, Parameter(help="What each one begins with.", allow_leading_hyphen=True)
    ] = "",
    temperature: Annotated[float, Parameter(help="Lower is safer, higher is more varied.")] = 0.5,
    top_k: Annotated[
        int | None, Parameter(help="Sample only from the k most probable tokens.")
    ] = None,
    top_p: Annotated[
        float | None,
        Parameter(help="Sample only from the fewest tokens that hold this much probability."),
    ] = None,
    greedy: Annotated[
        bool, Parameter(help="Always choose the most probable token.", negative="")
    ] = False,
    length: Annotated[
        int | None,
        Parameter(
            help="The most tokens, which are characters or byte pairs; beyond block_size, the "
            "context window slides. [block_size; of running text at least 200 and at most 500]"
        ),
    ] = None,
    new: Annotated[
        bool, Parameter(help="Leave out texts that are in the data file.", negative="")
    ] = False,
    unique: Annotated[
        bool, Parameter(help="Write no text twice; for counts up to 1,000,000.", negative="")
    ] = False,
    plain: Annotated[
        bool,
        Parameter(help="Only the texts, one per line; \\n is a line break in a text.", negative=""),
    ] = False,
    seed: Annotated[
        int | None, Parameter(help="Seed of the random stream. [a run's own stream, else 42]")
    ] = None,
    order: Annotated[
        str, Parameter(help="How samples share the random numbers: sequential or rows.")
    ] = "sequential",
    unknown: UnknownFlag = "error",
    engine: EngineFlag = "auto",
    device: DeviceFlag = "auto",
    best: BestFlag = False,
    ignore_digest: DigestFlag = False,
    json: JsonFlag = False,
) -> None:
    """Write new documents, each marked: trained on, only in the file, or new.

    Without --seed, a run continues its own random stream, so the reference run prints the twenty
    published names. A run on one running text writes passages, marked by whether they stand
    anywhere in that text. Above a count of 1,000, samples appear as they are made, with --json as
    several lines of up to 1,000 each. With --plain, backslashes, line breaks and other control
    characters are escaped as in Python.
    """
    if count is not None and not 1 <= count <= 10_000_000:
        raise InputError(f"count is {count}, must be from 1 to 10,000,000.")
    if unique and count is not None and count > _MOST_UNIQUE:
        raise InputError(
            f"count is {count}, must be at most {_MOST_UNIQUE:,} with --unique: all are kept in "
            "memory."
        )
    if plain and json:
        raise InputError("--plain and --json are both given.", "Choose one.")
    if seed is not None and not 0 <= seed < 2**32:
        raise InputError(f"seed is {seed}, must be from 0 to {2**32 - 1}.")
    if greedy and top_k is not None:
        raise InputError("--greedy means --top-k 1, and --top-k is given too.", "Choose one.")
    settings = sampling.Settings(temperature, 1 if greedy else top_k, top_p, order, length)
    opened = open_with_notes(run, ignore_digest, best)
    usual = Writes.of(opened.config, opened.running)
    count = count or usual.count
    settings = replace(settings, length=length or usual.length)
    prefix = _known(prefix, opened.tokenizer, unknown)
    marks = run_marks(opened) if new or not plain else None
    if new and marks is None:
        raise InputError(
            f"--new needs the training data, and {opened.path} doesn't say what that was.",
            "Use it with a run directory.",
        )
    made = engine_for(opened, engine, hardware=Hardware(device))
    known = marks.file if new and marks is not None else ()
    pieces = sampling.sample_chosen(
        made,
        opened.tokenizer,
        opened.rng(seed),
        count,
        known,
        unique=unique,
        prefix=prefix,
        settings=settings,
    )
    shown, drawn = _show(pieces, marks, json, plain)
    if shown < count:
        kinds = {"not in the data": new, "distinct": unique}
        which = " and ".join(kind for kind, asked in kinds.items() if asked)
        note(f"only {shown:,} of {drawn:,} samples are {which}. Raise --temperature.")


def _show(
    pieces: Iterator[tuple[list[str], int]],
    marks: sampling.Marks | None,
    as_json: bool,
    plain: bool,
) -> tuple[int, int]:
    """Print the texts as they come; returns how many there were, and how many were sampled."""
    shown = drawn = 0
    if plain:
        for texts, drawn in pieces:  # noqa: B007 - the last one counts
            shown += len(texts)
            for text in texts:
                print(_plain(text))
            sys.stdout.flush()
        return shown, drawn
    counts: Counter[str | None] = Counter()
    waiting: list[str] = []

    def show() -> None:
        nonlocal shown
        here, waiting[:] = waiting[: sampling.PIECE], waiting[sampling.PIECE :]
        samples = list(sampling.marked(here, marks))
        if as_json:
            show_json({"samples": samples})
        else:
            for line in numbered_lines(samples, shown + 1):
                print(line)
            sys.stdout.flush()
        counts.update(sample["mark"] for sample in samples)
        shown += len(samples)

    for texts, drawn in pieces:  # noqa: B007
        waiting += texts
        if len(waiting) >= sampling.PIECE:
            show()
    if waiting or not shown:
        show()
    if not as_json:
        for line in mark_lines(counts):
            print(line)
    return shown, drawn


_ESCAPED = re.compile(
    r"[\\\x00-\x1f\x7f-\x9f\u2028\u2029]"
)  # line breaks, other control characters


def _plain(text: str) -> str:
    """The text on one line, from which it can be read back; on a terminal, also harmless."""
    text = _ESCAPED.sub(lambda found: repr(found[0])[1:-1], text)
    return visible(text) if sys.stdout.isatty() else text


def evaluate(
    run: RunArgument = None,
    /,
    *file: Annotated[Path, Parameter(help="Documents to measure on, read as train does.")],
    split_by: Annotated[
        str | None, Parameter(help="line, blank-line or none. [as the run's own data, else line]")
    ] = None,
    unknown: UnknownFlag = "error",
    engine: EngineFlag = "auto",
    device: DeviceFlag = "auto",
    best: BestFlag = False,
    ignore_digest: DigestFlag = False,
    json: JsonFlag = False,
    eval_docs: Annotated[
        int, Parameter(help="Documents, or windows, to measure on, evenly spread; 0 uses all.")
    ] = 0,
    how: DataArgument = None,
) -> None:
    """Mean loss in nats per token: on the run's held-out documents, or on those in a file.

    Beside it in bits per byte, which compares across tokenizers: the bytes are those of the
    documents in UTF-8, one a line.
    """
    if eval_docs < 0:
        raise InputError(f"eval-docs is {eval_docs}, must be at least 0.")
    opened = open_with_notes(run, ignore_digest, best)
    made = engine_for(opened, engine, hardware=Hardware(device))
    if file:
        read_as = reading(how)
        if split_by is None and not {"column", "field"} & set(read_as):
            split_by = opened.split_by
        data = load_data(file, split_by, **read_as)
        for notice in data.notes:
            note(notice)
        docs = [_known(d, opened.tokenizer, unknown) for d in data.docs]
        parts = {"file": docs}
    elif opened.run is None:
        raise InputError(
            f"{opened.path} doesn't say which documents were held out.",
            f"Name a file to measure on: {command('eval', opened.path, 'FILE')}",
        )
    else:
        data = run_data(opened.run)
        kept_out = hold_out(opened.config, data)
        parts = held_out_parts(opened.config, shuffled(opened.config, data), kept_out)
        if not parts:
            raise InputError(
                "This run held nothing out: training reaches every document.",
                "Train with --holdout 0.1, or name a file to measure on.",
            )
    for label, docs in parts.items():
        table = TokenTable(docs, opened.tokenizer)
        try:
            found = measure(made, table, most=eval_docs or None, told=_tell)
        finally:
            _tell(0, 0)
        event = found.event(opened.step, label)
        if json:
            show_json({"eval": event})
        else:
            documents = "1 document" if len(docs) == 1 else f"{len(docs):,} documents"
            print(f"{found.loss:.4f} nats per token, {found.bits_per_byte:.4f} bits per byte")
            print(
                f"  on {label}: {'one text' if data.running else documents}, "
                f"{found.tokens:,} tokens{sample_of(event, opened.config)}"
            )


def _tell(done: int, of: int) -> None:
    """How far a measurement has got, on a terminal; erased when it is done."""
    if sys.stderr.isatty():
        said = f"{done:,} of {of:,} measured" if done < of else ""
        print(f"\r{said}\033[K", end="", file=sys.stderr, flush=True)


def newest_run() -> Path:
    """The run under ``runs/`` that was started last; ``FileError`` if there is none."""
    found = sorted(Path("runs").glob("*/run.json"), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        raise FileError("There is no run in runs/ yet.", f"Train one: {command('train')}")
    note(f"using the newest run, {found[-1].parent}")
    return found[-1].parent


def open_with_notes(run: Path | None, ignore_digest: bool = False, best: bool = False) -> Opened:
    """Open a run or model (None: the newest run); notices go to standard error."""
    opened, notices = open_model(run or newest_run(), ignore_digest=ignore_digest, best=best)
    for notice in notices:
        note(notice)
    return opened


def _known(text: str, tokenizer: AnyTokenizer, unknown: str) -> str:
    """The text without unknown characters if they are to be skipped; else they are an error."""
    if unknown not in ("error", "skip"):
        raise InputError(f"unknown is {unknown!r}, must be error or skip.")
    return tokenizer.decode(tokenizer.encode(text, unknown=unknown))


def run_marks(opened: Opened) -> sampling.Marks | None:
    """The run's marks; None, with a note, if its data can no longer be read."""
    if opened.run is None or opened.step is None:
        return None
    try:
        data = run_data(opened.run)
        return marks_at(opened.config, data, opened.step, opened.tokenizer)
    except MicrogptError as error:
        note(f"samples are not marked: {error.message}")
        return None
