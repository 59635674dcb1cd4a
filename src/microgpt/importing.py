"""A run that begins from a model: its weights, a vocabulary that may grow, a directory made whole.

All of the run is written to ``.tmp-import-…`` inside its directory and then moved up, run.json
last. So an import that is killed at any moment has made the whole run or none of it, and what it
left is swept by the next one to the same place.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from microgpt import files
from microgpt.config import SHAPE, SWITCHES, Config
from microgpt.data import Dataset, load_data
from microgpt.disk import snapshot
from microgpt.disk.checkpoint import RunDir
from microgpt.disk.snapshot import RUN, TOKENIZER, VOCAB, WORDS
from microgpt.engines import first_able
from microgpt.errors import CheckpointError, FileError
from microgpt.files import TEMPORARY, Lock
from microgpt.growing import grow
from microgpt.opening import Opened, as_model
from microgpt.runfacts import create_run
from microgpt.tokenizer import Tokenizer
from microgpt.training import Trainer

IN_TRAINING = ("dropout", "balance", "lora_rank", "lora_alpha")
"""Blocks that a run may have and the model that it begins from not: they need none of its weights.

LoRA's additions begin at nothing, and are drawn as in any new run.
"""

FROM_THE_MODEL = tuple(name for name in (*SHAPE, *SWITCHES) if name not in IN_TRAINING)
"""The fields of the config that a run takes over from the model that it begins from."""

LATEST = "latest"
_UNFINISHED = f"{TEMPORARY}import-"
_FIRST_STEP = "step-00000000"


def import_run(
    out: Path, opened: Opened, dataset: Dataset, config: Config
) -> tuple[RunDir, list[str]]:
    """Make a run in ``out`` whose weights are the model's, at step 0 of ``config.steps``.

    Of a run only the weights are taken: the optimiser's state, the step and the random stream
    begin anew. Characters of the data that the model lacks are added to its vocabulary
    (``grow``): the run's stream shuffles, draws the initial weights of any run of this shape, which
    aren't used, and then the new rows. Byte pairs stay as they are: no text is new to them.
    ``config`` has the model's shape, save ``IN_TRAINING``.

    Returns the run and the characters that are new. Raises ``FileError`` if ``out`` holds
    anything, or can't be written.
    """
    if out.exists():
        _leftovers(out)  # refused before the work, if it is to be refused
    model = as_model(opened)
    tokenizer, characters = model.tokenizer, set[str]()
    if isinstance(tokenizer, Tokenizer):
        characters = set().union(*dataset.docs)
        tokenizer = Tokenizer(sorted(characters.union(tokenizer.uchars)))
    engine = first_able(config, "float64")
    trainer = Trainer(config, dataset, tokenizer=tokenizer, engine=engine, stop_after=0)
    known, added = model.weights, list[str]()
    if isinstance(model.tokenizer, Tokenizer):
        grown = grow(config, model.tokenizer, known, characters, trainer.rng)
        known, added = grown.weights, grown.added
    weights = {**trainer.engine.state()[0], **known}  # the model lacks LoRA's additions
    trainer.engine.load(trainer.config, "float64", {n: weights[n] for n in trainer.config.shapes()})
    try:
        lock = _take(out)
        for name in _leftovers(out):  # again: another process may have been quicker
            _remove(out / name)
        temporary = out / f"{_UNFINISHED}{os.urandom(6).hex()}"
        try:
            with create_run(temporary, trainer, imported=str(opened.path)) as trainer.run_dir:
                for _ in trainer.events():
                    pass
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        _move_up(temporary, out)
        del lock
    except OSError as error:
        raise files.file_error(error, out, "write") from error
    finally:
        trainer.engine.close()
    return RunDir.open(out), added


def _take(out: Path) -> Lock:
    """Make the directory if it isn't there, and be the only process that writes to it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise FileError(
            f"{out} is a file; a run needs a directory.", "Choose another --out."
        ) from error
    except (OSError, ValueError) as error:
        raise files.file_error(error, out, "make the directory") from error
    files.sync_directory(out.parent)
    return Lock.take(out / ".lock", f"Another process is writing to {out}.")


def _leftovers(out: Path) -> list[str]:
    """What a killed import left in a directory, in the order in which it is to be removed.

    What shows that it was an import goes last, so that a sweep may be killed as well. Raises
    ``FileError`` if the directory holds a run, or anything that no import left.
    """
    try:
        names = os.listdir(out)  # noqa: PTH208
    except NotADirectoryError:
        return []  # `_take` says what is wrong
    except OSError as error:
        raise files.file_error(error, out, "read") from error
    unfinished = sorted(name for name in names if name.startswith(TEMPORARY))
    ours = [".lock", VOCAB, *unfinished]
    if ".lock" in names:  # by itself a tokenizer.json may be anyone's
        ours.append(TOKENIZER)
    if any(name.startswith(_UNFINISHED) for name in unfinished):
        ours += [_FIRST_STEP, LATEST]
    if RUN in names:
        if not _never_saved(out, names):
            raise FileError(
                f"{out} already holds a run.",
                f"Continue it with --resume {out}, or choose another --out.",
            )
        ours.append(RUN)
    other = sorted(set(names) - set(ours))
    if other:
        more = f" and {len(other) - 1} more." if len(other) > 1 else "."
        raise FileError(
            f"{out} is not empty: it holds {files.shown(other[0])}{more}", "Choose another --out."
        )
    found = [name for name in (RUN, LATEST, _FIRST_STEP, *WORDS) if name in names]
    return [*found, *unfinished]


def _never_saved(out: Path, names: list[str]) -> bool:
    """Whether a killed import of an older version left run.json, but no weights."""
    if LATEST in names or any(snapshot.NAME.fullmatch(name) for name in names):
        return False
    with contextlib.suppress(CheckpointError):
        return "imported" in RunDir.open(out).run
    return False


def _move_up(temporary: Path, out: Path) -> None:
    """A whole run into its place, run.json last; the emptied directory is removed last."""
    names = set(os.listdir(temporary))  # noqa: PTH208
    order = [name for name in (*WORDS, _FIRST_STEP, LATEST, RUN) if name in names]
    for name in (*sorted(names - {*order, ".lock"}), *order):
        if name == RUN:
            files.sync_directory(out)
        (temporary / name).rename(out / name)
    files.sync_directory(out)
    shutil.rmtree(temporary, ignore_errors=True)


def _remove(path: Path) -> None:
    """Remove what a killed import left, a directory too."""
    if path.is_dir() and not path.is_symlink():
        gone = path.with_name(f"{_UNFINISHED}gone-{os.urandom(6).hex()}")
        path.rename(gone)  # no half of it ever carries its name
        shutil.rmtree(gone)
    else:
        path.unlink()


def _demo() -> None:
    """The shipped model, imported to learn names with a digit."""
    import tempfile

    from microgpt.opening import open_model

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.txt"
        path.write_text("anna2\nr2d2\n", encoding="utf-8")
        opened, _ = open_model(None)
        run, added = import_run(Path(folder) / "run", opened, load_data(path), Config(steps=9))
        print(f"new characters: {' '.join(added)}")
        print(f"made: {' '.join(sorted(p.name for p in run.path.iterdir()))}")


if __name__ == "__main__":
    _demo()
