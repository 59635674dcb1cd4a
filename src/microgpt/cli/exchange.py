"""``microgpt export`` and ``microgpt import``: models as single files, out of and into runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from microgpt.calling import command
from microgpt.cli import note, options
from microgpt.cli.options import DataArgument, FlagsArgument
from microgpt.cli.sample import BestFlag, DigestFlag, open_with_notes
from microgpt.data import BUNDLED, Dataset, load_data
from microgpt.disk.ggufile import NUMBERS, writable, write_gguf
from microgpt.disk.huggingface import in_the_way, write_directory
from microgpt.disk.modelfile import write_model, write_safetensors
from microgpt.errors import FileError, InputError
from microgpt.importing import FROM_THE_MODEL, IN_TRAINING, import_run
from microgpt.opening import Opened, as_model, as_stored, run_data
from microgpt.start import suited
from microgpt.tokenizer import Tokenizer


def export(
    run: Annotated[
        Path,
        Parameter(help="Run directory, model.json, .safetensors or a directory for Hugging Face."),
    ],
    name: Annotated[
        Path,
        Parameter(
            help="What to write: a file ending in .json, .safetensors or .gguf (llama.cpp), or, "
            "without an extension, a directory for Hugging Face."
        ),
    ],
    /,
    *,
    numbers: Annotated[
        str | None, Parameter(help=f".gguf: its matrices in {', '.join(NUMBERS)}. [float32]")
    ] = None,
    force: Annotated[
        bool, Parameter(help="Overwrite a file of that name, or an earlier export.", negative="")
    ] = False,
    best: BestFlag = False,
    ignore_digest: DigestFlag = False,
) -> None:
    """Write a run's newest weights, with everything needed to use them, to one file or directory.

    A directory for Hugging Face holds the model as safetensors, its config.json and its
    tokenizer, and transformers loads it; so does llama.cpp a .gguf. Both take models of GPT-2's
    and Llama's shape, such as those of recipes/gpt2-laptop.toml and recipes/llama-laptop.toml.
    """
    write = _writer(name, numbers, force)
    opened = open_with_notes(run, ignore_digest, best)
    for notice in write(opened):
        note(notice)
    files = list(name.iterdir()) if name.is_dir() else [name]
    size = sum(file.stat().st_size for file in files)
    print(f"wrote {name}: {opened.config.parameters():,} parameters, {size:,} bytes")


def _writer(name: Path, numbers: str | None, force: bool) -> Callable[[Opened], list[str]]:
    """What writes a model under this name and returns notices, once nothing is in the way."""
    kind = name.suffix
    if kind not in ("", ".json", ".safetensors", ".gguf"):
        raise InputError(
            f"{name} ends in {kind!r}, must end in .json, .safetensors or .gguf, or have no "
            "extension: a directory for Hugging Face."
        )
    if numbers is not None and kind != ".gguf":
        raise InputError(
            f"--numbers is given, but {name} is no .gguf: in other files every number is as it is "
            "in the run.",
            "Leave it out, or name a .gguf file.",
        )
    if kind == "":
        in_the_way(name, force)
        return lambda opened: write_directory(name, as_stored(opened), replace=force)
    if kind == ".gguf":
        writable(chosen := numbers or NUMBERS[0])
    if name.exists() and not force:
        raise FileError(f"{name} already exists.", "Overwrite it with --force.")
    if kind == ".gguf":
        return lambda opened: write_gguf(name, as_stored(opened), chosen)
    write = write_model if kind == ".json" else write_safetensors
    return lambda opened: write(name, as_model(opened))


def import_(
    model: Annotated[
        Path,
        Parameter(
            help="A model.json, a .safetensors file, a run's directory or a Hugging Face one. Only "
            "its weights are used: the optimiser, the schedule and the random stream start afresh."
        ),
    ],
    /,
    *file: Annotated[
        Path,
        Parameter(
            help="Data to continue training on; characters that the model doesn't know are added "
            "to its vocabulary. [a run's own, else the names]"
        ),
    ],
    out: Annotated[Path, Parameter(help="The new run's directory.")],
    data: Annotated[str | None, Parameter(help=f"Bundled data: {', '.join(BUNDLED)}.")] = None,
    split_by: Annotated[
        str | None,
        Parameter(help="line, blank-line or none, for FILE. [line; of shakespeare none]"),
    ] = None,
    preset: Annotated[
        str | None, Parameter(help="The recipe: final or early. [a run's own, else final]")
    ] = None,
    how: DataArgument = None,
    ignore_digest: DigestFlag = False,
    flags: FlagsArgument = None,
) -> None:
    """Start a run whose initial weights are those of a model, to train them further.

    Only the weights are used: the optimiser's state, the schedule and the random stream start
    afresh. The shape is the model's. The recipe and the data come from the preset, the flags and
    FILE; for a run's directory, they are the run's own unless you say otherwise: import RUN --out
    NEW --lr 0.003 changes one thing. Characters in the data that the model doesn't know are added
    to its vocabulary, with rows in wte and lm_head drawn from the new run's random stream. Byte
    pairs stay as they are: no text is unknown to them.
    """
    opened = open_with_notes(model, ignore_digest)
    hyper = options.given(flags)
    for name in hyper:
        if name in FROM_THE_MODEL:
            flag, value = f"--{name.replace('_', '-')}", hyper[name]
            words: tuple[object, ...] = (flag, value)
            if isinstance(value, bool):
                words = (flag if value else flag.replace("--", "--no-"),)
            raise InputError(
                f"{flag} is part of the model's shape, which comes from {model}.",
                "Leave it out. A model of another shape has to be trained from scratch: "
                f"{command('train', *words)}",
            )
    dataset = _data(opened, file, data, split_by, options.reading(how))
    for notice in dataset.notes:
        note(notice)
    shape = {name: getattr(opened.config, name) for name in FROM_THE_MODEL}
    shape |= {n: getattr(opened.config, n) for n in IN_TRAINING if n not in hyper}
    own = opened.config.to_dict() if opened.run is not None and preset is None else {}
    config = options.build(preset or "final", own, hyper, shape)
    if "long" not in hyper and (file or data or not own):
        config = suited(config, dataset, opened.tokenizer)
    run, added = import_run(out, opened, dataset, config)
    if added:
        count, noun, which = Tokenizer(added).describe().split(" ", 2)
        are, their = ("is", "Its") if len(added) == 1 else ("are", "Their")
        note(
            f"{count} {noun} {are} new to {model}: {which}. {their} rows in wte and lm_head are "
            "drawn from the run's random stream."
        )
    parameters = run.config.parameters()
    print(f"wrote {out}: {parameters:,} parameters at step 0 of {config.steps:,}")
    print(f"train it: {command('train', '--resume', out)}")


def _data(
    opened: Opened,
    files: Sequence[Path],
    data: str | None,
    split_by: str | None,
    reading: dict[str, Any],
) -> Dataset:
    """What to train on: what is named, else a run's own data, else the names."""
    if data is not None and data not in BUNDLED:
        raise InputError(f"--data is {data!r}, must be one of {', '.join(BUNDLED)}.")
    if files and data is not None:
        raise InputError(
            f"Both a file, {files[0]}, and --data {data} are given.", "Choose one of them."
        )
    if not files and data is None and opened.run is not None:
        if split_by is not None:
            raise InputError(
                f"--split-by is given without data, and {opened.path} has its own data.",
                "Name a file, or leave --split-by out.",
            )
        return run_data(opened.run)
    return load_data(list(files) or data or "names", split_by, **reading)
