"""``microgpt export`` and ``microgpt import``: models as single files, out of and into runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from microgpt.calling import command
from microgpt.cli import note, options
from microgpt.cli.options import FlagsArgument
from microgpt.cli.sample import open_with_notes
from microgpt.config import SHAPE
from microgpt.data import BUNDLED, load_data
from microgpt.errors import FileError, InputError, TokenError
from microgpt.modelfile import write_model, write_safetensors
from microgpt.opening import as_model, open_model
from microgpt.training import Trainer, create_run


def export(
    run: Annotated[Path, Parameter(help="Run directory, model.json or .safetensors.")],
    file: Annotated[Path, Parameter(help="Where to: a name ending in .json or .safetensors.")],
    /,
    *,
    force: Annotated[bool, Parameter(help="Write over a file of that name.", negative="")] = False,
) -> None:
    """Write a run's newest weights, with all that is needed to use them, to one file."""
    writers = {".json": write_model, ".safetensors": write_safetensors}
    if file.suffix not in writers:
        raise InputError(
            f"{file} ends in {file.suffix or 'nothing'!r}, must end in .json or .safetensors."
        )
    if file.exists() and not force:
        raise FileError(f"{file} is there already.", "Write over it with --force.")
    opened = open_with_notes(run)
    for notice in writers[file.suffix](file, as_model(opened)):
        note(notice)
    print(f"wrote {file}: {opened.config.parameters():,} parameters, {file.stat().st_size:,} bytes")


def import_(
    model: Annotated[Path, Parameter(help="A model.json or .safetensors file.")],
    file: Annotated[Path | None, Parameter(help="Data to train on further. [the names]")] = None,
    /,
    *,
    out: Annotated[Path, Parameter(help="The new run's directory.")],
    data: Annotated[str, Parameter(help=f"A bundled list: {', '.join(BUNDLED)}.")] = "names",
    split_by: Annotated[str, Parameter(help="line, blank-line or none.")] = "line",
    preset: Annotated[str, Parameter(help="The recipe: final or early.")] = "final",
    flags: FlagsArgument = None,
) -> None:
    """Begin a run whose first weights are those of a model file, to train them further.

    The shape comes from the file, the recipe from the preset and the flags, and the data may
    hold no character that the model doesn't know.
    """
    opened, notices = open_model(model)
    for notice in notices:
        note(notice)
    hyper = options.given(flags)
    for name in hyper:
        if name in SHAPE:
            raise InputError(
                f"--{name.replace('_', '-')} is part of the model's shape, which comes from "
                f"{model}.",
                "Leave it out.",
            )
    shape = {name: getattr(opened.config, name) for name in SHAPE}
    if file is None and data not in BUNDLED:
        raise InputError(f"--data is {data!r}, must be one of {', '.join(BUNDLED)}.")
    dataset = load_data(file or data, split_by)
    config = options.build(preset, hyper, shape)
    try:
        trainer = Trainer(config, dataset, tokenizer=opened.tokenizer, stop_after=0)
    except TokenError as error:
        raise InputError(
            f"{dataset.path}: {error.message}", f"{model} can only be trained on what it knows."
        ) from None
    trainer.engine.load(config, "float64", as_model(opened).weights)
    trainer.run_dir = create_run(out, trainer, imported=str(model))
    for _ in trainer.events():
        pass
    print(f"wrote {out}: {config.parameters():,} parameters at step 0 of {config.steps:,}")
    print(f"train it: {command('train', '--resume', out)}")
