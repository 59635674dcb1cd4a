"""``microgpt inspect``: what is in a run, as text or as a single page with pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from microgpt.batches import TokenTable
from microgpt.cli import note
from microgpt.cli.sample import BestFlag, DigestFlag, RunArgument, open_with_notes, run_marks
from microgpt.errors import CheckpointError, FileError, InputError, MicrogptError, TokenError
from microgpt.evaluation import random_floor
from microgpt.files import write_atomic
from microgpt.heldout import Judge
from microgpt.inspection.page import html_report, is_report, text_report
from microgpt.opening import Opened, engine_for, run_data
from microgpt.sampling import Settings, marked, sample
from microgpt.start import Writes, hold_out, shuffled


def inspect(
    run: RunArgument = None,
    /,
    *,
    html: Annotated[
        Path | None, Parameter(help="Write one self-contained page with pictures to this file.")
    ] = None,
    word: Annotated[
        str | None, Parameter(help="The word whose attention weights the page shows. [a sample]")
    ] = None,
    best: BestFlag = False,
    ignore_digest: DigestFlag = False,
    force: Annotated[
        bool, Parameter(help="Overwrite a file that isn't such a page.", negative="")
    ] = False,
) -> None:
    """Show configuration, recipe, data and what each matrix is for; the page adds pictures."""
    if word is not None and html is None:
        raise InputError("--word is shown only on the page.", "Add --html FILE.")
    if force and html is None:
        raise InputError("--force is only for the page's file.", "Add --html FILE.")
    if html is not None and not force:
        _may_go(html)
    opened = open_with_notes(run, ignore_digest, best)
    if html is None:
        for line in text_report(opened):
            print(line)
        return
    engine = engine_for(opened)
    usual = Writes.of(opened.config, opened.running)
    how = Settings(length=usual.length)
    texts = sample(engine, opened.tokenizer, opened.rng(None), usual.count, settings=how)
    samples = list(marked(texts, run_marks(opened)))
    try:
        page = html_report(opened, word, samples, *_floors(opened))
    except TokenError as error:
        raise InputError(error.message, "Choose another --word.") from None
    write_atomic(html, page.encode())
    print(f"wrote {html}: open it in a browser")


def _may_go(html: Path) -> None:
    """Raise ``FileError`` for a file that is not empty and isn't an older page."""
    if html.is_file() and html.stat().st_size and not is_report(html):
        raise FileError(
            f"{html} already exists, and is not a page that microgpt inspect wrote.",
            "Name another file, or overwrite it with --force.",
        )


def _floors(opened: Opened) -> tuple[dict[str, float], str]:
    """Losses to compare with, and why that of counting isn't among them, if it isn't.

    A note names the data; the page, which may be passed on, doesn't say where it lies.
    """
    config, run, why = opened.config, opened.run, ""
    if run is not None:
        try:
            data = run_data(run)
            kept_out, tokenizer = hold_out(config, data), opened.tokenizer
            table = TokenTable(shuffled(config, data), tokenizer)
            return Judge(config, opened.dtype, table, kept_out, tokenizer, 1, 1).floors(), ""
        except MicrogptError as error:
            note(f"the loss of counting is not shown: {error.message}")
            gone = isinstance(error, FileError) and not isinstance(error, CheckpointError)
            why = "can't be read" if gone else "is no longer what it was trained on, or not known"
            why = f"the run's data {why}"
    return {"random": random_floor(config.vocab_size)}, why
