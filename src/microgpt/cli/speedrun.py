"""``microgpt speedrun``: what a recipe costs that reaches a track's loss."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from microgpt.calling import command, quoted
from microgpt.cli import fail, note, show_json, visible
from microgpt.cli.options import read_toml
from microgpt.data import bundled
from microgpt.errors import FileError, InputError, Interrupted
from microgpt.speedrun.attempt import Attempt, Lap
from microgpt.speedrun.records import Kept, circumstances, record_of, shipped
from microgpt.speedrun.tracks import (
    FEWEST,
    MOST,
    OPTIONS,
    QUICK,
    TRACKS,
    Track,
    entry_of,
    track_of,
)
from microgpt.speedrun.yardstick import check_threads
from microgpt.stopping import stop_on_signals


def speedrun(
    track: Annotated[
        str | None, Parameter(help="names or shakespeare; without it, both are described.")
    ] = None,
    entry: Annotated[
        Path | None, Parameter(help="A TOML file with a recipe. [the one that came with microgpt]")
    ] = None,
    /,
    *,
    seeds: Annotated[
        int | None,
        Parameter(help="Seeds 1 to this are trained. [20 for names, 5 for shakespeare]"),
    ] = None,
    quick: Annotated[
        bool, Parameter(help=f"Only seeds 1 to {QUICK}, which make no record.", negative="")
    ] = False,
    validation: Annotated[
        bool,
        Parameter(
            help="Train on less, and judge on a share of its own: to choose a recipe by.",
            negative="",
        ),
    ] = False,
    out: Annotated[
        Path | None, Parameter(help="The record's file. [runs/speedrun/NAME-1.json, -2, ...]")
    ] = None,
    json: Annotated[bool, Parameter(help="Print one JSON object.", negative="")] = False,
) -> None:
    """Train a recipe until a text is predicted well enough, and say what that costs.

    Costs are in units of the time that this machine takes for a product of two 512 × 512
    matrices, so that they compare with those of other machines. A record needs five seeds or more
    with a mean loss below the track's target (p < 0.01). What is stopped goes on with the seed at
    which it was stopped when the same command is given again. The guide has the rules.
    """
    if track is None:
        _list(json)
        return
    chosen = track_of(track)
    count = _seeds(chosen, seeds, quick)
    if out is not None and (out.is_dir() or not out.parent.is_dir()):
        what = "is a directory" if out.is_dir() else f"needs the directory {out.parent}"
        raise FileError(f"--out {out} {what}.", "Name a file in a directory that is there.")
    check_threads()
    path = entry or bundled(f"recipes/speedrun/{chosen.name}.toml")
    settings = read_toml(path, OPTIONS)
    dataset = chosen.load()
    attempt = Attempt(chosen, entry_of(chosen, dataset, path, settings, validation), dataset)
    kept = Kept(circumstances(attempt, count))
    kept.read()
    if kept.other:
        note(f"{kept.path} is of another version or machine: begun anew.")
    if not json:
        for line in _head(chosen, kept.facts, str(path)):
            print(visible(line))
        for lap in kept.laps:
            print(f"{_lap_line(lap)}   (kept from before)")
    flags: list[object] = ["--seeds", seeds] if seeds is not None else []
    flags += ["--quick"] * quick + ["--validation"] * validation
    place: list[object] = ["--out", out] if out is not None else []
    given: list[object] = [entry] if entry is not None else []
    _laps(attempt, kept, command("speedrun", chosen.name, *given, *flags, *place), json)
    named = [f"{one}.toml" for one in [kept.facts["entry"]["name"]] if given]  # no paths of its own
    said = quoted("microgpt", "speedrun", chosen.name, *named, *flags)
    record = record_of(kept.facts, kept.laps, said, shipped(chosen.name, but=out))
    where = kept.finish(record, out)
    if json:
        show_json({"speedrun": record})
        return
    for line in _report(record, where):
        print(visible(line))


def _seeds(track: Track, asked: int | None, quick: bool) -> int:
    if quick:
        if asked is not None:
            raise InputError("--quick and --seeds are both given.", "Choose one.")
        return QUICK
    count = track.seeds if asked is None else asked
    if not FEWEST <= count <= MOST:
        raise InputError(
            f"seeds is {count}, must be from {FEWEST} to {MOST}.",
            f"For a look, with {QUICK} seeds: --quick",
        )
    return count


def _laps(attempt: Attempt, kept: Kept, again: str, as_json: bool) -> None:
    """Train the seeds that are missing, keeping each one as it is done."""
    seeds = kept.facts["seeds"]

    def stopped() -> Interrupted:
        done = f"{len(kept.laps)} of {len(seeds)} seeds are done"
        where = f", kept in {kept.path}" if kept.laps else ""
        return Interrupted(f"Stopped: {done}{where}.", f"Go on with: {again}")

    with stop_on_signals() as stop:
        stop.last_words = lambda: fail(stopped(), as_json)
        progress = _Progress(len(seeds))
        try:
            for seed in seeds[len(kept.laps) :]:
                lap = attempt.lap(seed, progress.step, progress.measuring)
                kept.add(lap)
                progress.clear()
                if not as_json:
                    print(_lap_line(lap), flush=True)
        except KeyboardInterrupt:
            raise stopped() from None
        finally:
            progress.clear()


class _Progress:
    """What is going on, rewritten in place, and only on a terminal."""

    def __init__(self, seeds: int) -> None:
        self.seeds, self.drawn, self.seed = seeds, 0.0, 0
        self.shown = sys.stderr is not None and sys.stderr.isatty()

    def step(self, seed: int, step: int, steps: int, loss: float) -> None:
        self.seed = seed
        self._draw(f"seed {seed} of {self.seeds}: step {step:,} of {steps:,}, loss {loss:.3f}")

    def measuring(self, done: int, of: int) -> None:
        self._draw(f"seed {self.seed} of {self.seeds}: {done:,} of {of:,} measured")

    def _draw(self, text: str) -> None:
        if self.shown and time.monotonic() - self.drawn > 0.2:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            self.drawn = time.monotonic()

    def clear(self) -> None:
        """Leave the line empty."""
        if self.shown and self.drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self.drawn = 0.0


def _list(as_json: bool) -> None:
    """The tracks with their records."""
    if as_json:
        found = {name: shipped(name) for name in TRACKS}
        show_json({"speedrun": {name: {"records": records} for name, records in found.items()}})
        return
    for track in TRACKS.values():
        print(f"{track.name:<12} {track.about()}")
        for one in sorted(shipped(track.name), key=lambda one: float(one["cost"])):
            print(
                f"{'':<12} {one['cost']:,.0f} units: {one['entry']['name']}, {one['date']}, "
                f"{one['machine']}"
            )
    print(f"\nrun one with: {command('speedrun', 'names')}")


def _head(track: Track, facts: dict[str, Any], path: str) -> list[str]:
    config = facts["entry"]["config"]
    threads = "1 thread" if facts["threads"] == 1 else f"{facts['threads']} threads"
    unit = "windows" if config["long"] == "window" else "documents"
    return [
        f"track    {track.name}: {track.about()}",
        f"entry    {facts['entry']['name']} ({path}): {facts['parameters']:,} parameters, "
        f"{facts['steps']:,} steps of {config['batch_size']} {unit}, {facts['engine']}, "
        f"{facts['dtype']}, {threads}",
        "",
    ]


def _lap_line(lap: Lap) -> str:
    return (
        f"seed {lap.seed:>3}   loss {lap.loss:.4f}   cost {lap.cost:,.0f} units   "
        f"{lap.processor_seconds:,.2f} s of processor time, {lap.seconds:,.2f} s by the clock"
    )


def _report(record: dict[str, Any], where: Path) -> list[str]:
    """What it came to, in a few lines."""
    unit = record["unit"]
    below = "below" if record["mean"] < record["target"] else "not below"
    noise = "  (noisy)" if record["noisy"] else ""
    what = "validation loss" if record["judged_on"] == "validation" else "held-out loss"
    verdict = "yes" if record["record"] else f"no: {record['why_not']}"
    return [
        "",
        f"loss     {record['mean']:.4f} ± {2 * record['standard_error']:.4f}, mean {what}, "
        f"{below} {record['target']:.2f}: p {_p(record['p'])}; {record['bits_per_byte']:.4f} bits "
        "per byte",
        f"cost     {record['cost']:,.0f} ± {2 * record['cost_error']:,.0f} units of "
        f"{unit['ms']:.2f} ms, a run{noise}",
        f"record   {verdict}",
        f"saved    {where}",
    ]


def _p(p: float) -> str:
    return f"= {p:.2g}" if p >= 1e-9 else "< 1e-9"
