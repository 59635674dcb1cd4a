"""How a training run is shown: one JSON object per line, one line per step, or a live curve."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from microgpt.calling import command
from microgpt.cli import print_json, visible
from microgpt.config import Config
from microgpt.pace import Pace

Event = dict[str, Any]

MARK_SIGNS = {"trained": "=", "file": "~", "new": "+"}
"""A sign next to each mark, so that it doesn't depend on colour."""

_SHADES = ("blue", "red", "green")  # the curve and the two floors, which also have labels

MARKS_EXPLAINED = {
    "trained": "was trained on",
    "file": "in the file, but never trained on",
    "new": "in neither",
}


IN_LINES = ("activation", "optimizer", "grad_clip")
"""What the lines on a run say of it anyway, or nothing of: the others follow the model's sizes."""


class Screen(Protocol):
    """Shows the events of ``Trainer.events`` one by one."""

    def show(self, event: Event) -> None:
        """Show one event."""

    def measuring(self, done: int, of: int) -> None:
        """The held-out loss is being measured: ``done`` out of ``of``."""

    def close(self) -> None:
        """Leave the terminal as it should stay; called once, even after an error."""


class JsonScreen:
    """The events as they are. ``every``: steps between lines for steps, None for no such lines."""

    def __init__(self, every: int | None) -> None:
        self.every = every

    def show(self, event: Event) -> None:
        if "loss" not in event or (self.every and event["step"] % self.every == 0):
            print_json(event)

    def measuring(self, done: int, of: int) -> None:
        pass

    def close(self) -> None:
        pass


class QuietScreen:
    """Nothing at all."""

    def show(self, event: Event) -> None:
        pass

    def measuring(self, done: int, of: int) -> None:
        pass

    def close(self) -> None:
        pass


class PlainScreen:
    """A line for each step, as the ladder prints it, or for the mean of ``every`` steps.

    ``every`` None: as many steps as give at most 1,000 lines.
    """

    def __init__(
        self, floors: dict[str, float], every: int | None, pace: Pace | None = None
    ) -> None:
        self.floors = floors
        self.every = every
        self.pace = pace
        self.device: str | None = None
        self.config: Config | None = None
        self.held_out: dict[str, Event] = {}
        self.run_dir: str | None = None
        self.one_text = False
        self.unit = "character"
        self.since: list[float] = []

    def show(self, event: Event) -> None:
        if "run" in event:
            self.begin(event["run"])
        elif "loss" in event:
            self.step(event)
        elif "eval" in event:
            self.held_out[event["eval"]["split"]] = event["eval"]
            if self.config is not None and event["eval"]["step"] < self.config.steps:
                self.line(measured_line(event["eval"], self.config))
        elif "samples" in event and "step" in event:
            self.line(written_line(event))
        elif "samples" in event:
            self.close()
            self.end(event["samples"])

    def measuring(self, done: int, of: int) -> None:
        """Nothing: where nobody watches, nothing has to move."""

    def line(self, text: str) -> None:
        """One line between those for the steps."""
        print(text)

    def begin(self, run: dict[str, Any]) -> None:
        self.config = Config(**run["config"])
        self.run_dir, self.device = run["dir"], run.get("device")
        self.one_text = run["data"]["split_by"] == "none" and run["data"]["documents"] == 1
        self.unit = "token" if "tokenizer" in run else "character"
        self.every = self.every or fitting(self.config.steps)
        for line in run_lines(run, self.config):
            print(line)
        print(flush=True)

    def step(self, event: Event) -> None:
        assert self.config is not None
        self.since.append(event["loss"])
        if self.every and event["step"] % self.every and event["step"] < self.config.steps:
            return
        print(
            f"{step_of(event['step'], self.config)} | loss {sum(self.since) / len(self.since):.4f}"
        )
        self.since = []

    def end(self, samples: Sequence[dict[str, Any]]) -> None:
        """Show what the numbers mean, the samples, and what to do next."""
        assert self.config is not None
        print()
        held_out = list(self.held_out.values())
        for line in floor_lines(self.config, self.floors, held_out, self.one_text, self.unit):
            print(line)
        if self.device and self.pace is not None and self.pace.now:
            print(f"trained at {' · '.join(pace_parts(self.pace.whole()))}, on {self.device}")
        print()
        for line in sample_lines(samples):
            print(line)
        if self.run_dir:
            print()
            print("next:")
            for line in next_lines(Path(self.run_dir), self.config, samples):
                print(f"  {line}")
        sys.stdout.flush()

    def close(self) -> None:
        sys.stdout.flush()


class LiveScreen(PlainScreen):
    """A loss curve that grows, with the floors drawn in; it stays after the run ends."""

    def __init__(self, floors: dict[str, float], pace: Pace | None = None) -> None:
        super().__init__(floors, None, pace)
        from rich.live import Live

        self.losses: list[float] = []
        self.first = 1
        self.lr = 0.0
        self.grad_norm: float | None = None
        self.drawn = 0.0
        self.started = time.monotonic()
        self.live = Live(auto_refresh=False, vertical_overflow="crop")
        self.running = False
        self.measured = ""

    def begin(self, run: dict[str, Any]) -> None:
        super().begin(run)
        self.first = run["step"] + 1
        self.live.start()
        self.running = True

    def step(self, event: Event) -> None:
        self.losses.append(event["loss"])
        self.lr, self.grad_norm = event["lr"], event.get("grad_norm")
        now = time.monotonic()
        if now - self.drawn > 0.25:
            self._draw()
            self.drawn = time.monotonic()

    def measuring(self, done: int, of: int) -> None:
        self.measured = f" · held-out loss: {done:,} of {of:,} measured" if done < of else ""
        if self.running and self.losses and time.monotonic() - self.drawn > 0.25:
            self._draw()
            self.drawn = time.monotonic()

    def line(self, text: str) -> None:
        self.live.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _draw(self) -> None:
        from rich.text import Text

        picture = "\n".join(filter(None, (self._curve(), self._status(), self._took())))
        self.live.update(Text.from_ansi(picture), refresh=True)

    def _status(self) -> str:
        assert self.config is not None
        step = self.first + len(self.losses) - 1
        seconds = time.monotonic() - self.started
        rate = len(self.losses) / max(seconds, 1e-9)
        left = (self.config.steps - step) / max(rate, 1e-9)
        recent = self.losses[-100:]
        said = (
            f"step {step:,} / {self.config.steps:,} · mean loss {sum(recent) / len(recent):.4f} "
            f"· lr {self.lr:.2g}"
        )
        if self.measured and left == 0:
            return said + self.measured
        return f"{said} · {rate:,.0f} steps/s · {left:,.0f} s left{self.measured}"

    def _took(self) -> str:
        """What is known of the speed, the gradient and the machine; empty at the very beginning."""
        parts = pace_parts(self.pace.now) if self.pace is not None else []
        if self.grad_norm is not None:
            parts.insert(1, f"gradient norm {self.grad_norm:.3g}")
        return " · ".join(parts)

    def _curve(self) -> str:
        """Losses, averaged over as many steps as share a point of the curve, and the floors."""
        import plotext

        columns, rows = shutil.get_terminal_size()
        width, height = min(columns, 100), max(8, min(18, rows - 7))
        bin_size = max(1, -(-len(self.losses) // (2 * width)))
        bins = [self.losses[i : i + bin_size] for i in range(0, len(self.losses), bin_size)]
        xs = [self.first + i * bin_size + len(b) / 2 - 0.5 for i, b in enumerate(bins)]
        ys = [sum(b) / len(b) for b in bins]
        plotext.clear_figure()
        plotext.theme("clear")  # no background colour: the terminal's may be dark
        shades = [{}] * 3 if "NO_COLOR" in os.environ else [{"color": c} for c in _SHADES]
        plotext.plotsize(width, height)
        mean = f"loss, mean of {bin_size} steps" if bin_size > 1 else "loss"
        plotext.plot(xs, ys, marker="braille", label=mean, **shades[0])
        ends = [xs[0], max(xs[-1], xs[0] + 1)]
        for (name, floor), shade in zip(self.floors.items(), shades[1:], strict=True):
            plotext.plot(ends, [floor, floor], marker="-", label=f"{name} {floor:.2f}", **shade)
        plotext.xticks(sorted({round(ends[0] + (ends[1] - ends[0]) * i / 4) for i in range(5)}))
        plotext.xlabel("step")
        plotext.ylabel("nats per token")
        return str(plotext.build())

    def close(self) -> None:
        if self.running:
            self.running = False
            if self.losses:
                self._draw()
            self.live.stop()
        super().close()


def make_screen(
    as_json: bool,
    floors: Callable[[], dict[str, float]],
    every: int | None = None,
    quiet: bool = False,
    pace: Pace | None = None,
) -> Screen:
    """The screen that suits where standard output goes.

    ``every``: steps between lines, None for as many as suit it. ``quiet``: no lines; with JSON,
    none for steps. ``pace``: how fast training goes, for those who watch.
    """
    if as_json:
        return JsonScreen(None if quiet else every or 1)
    if quiet:
        return QuietScreen()
    live = sys.stdout.isatty() and (sys.stdout.encoding or "").lower().startswith("utf")
    if live and every is None:
        return LiveScreen(floors(), pace)
    return PlainScreen(floors(), every, pace)


def pace_parts(now: Mapping[str, float]) -> list[str]:
    """How fast training goes and what it takes, as far as it is known."""
    parts = []
    if "tokens_per_second" in now:
        parts.append(f"{now['tokens_per_second']:,.0f} tokens/s")
    if "memory" in now:
        parts.append(f"{now['memory'] / 1e9:,.2f} GB")
    if "mfu" in now:
        parts.append(f"MFU {now['mfu']:.1%}")
    return parts


def fitting(steps: int, most: int = 1000) -> int:
    """Steps between lines, a round number, so that there are at most ``most`` lines."""
    size = 1
    while True:
        for every in (size, 2 * size, 5 * size):
            if steps <= every * most:
                return every
        size *= 10


def step_of(step: int, config: Config) -> str:
    """How far the run has got, as the ladder prints it."""
    width = len(str(config.steps))
    return f"step {step:>{max(4, width)}} / {config.steps:>4}"


def measured_line(event: Event, config: Config) -> str:
    """A held-out loss that was measured during training."""
    what = "validation" if event["split"] == "validation" else "held-out"
    some = f" ({event['measured']:,} of {event['of']:,})" if "measured" in event else ""
    return (
        f"{step_of(event['step'], config)} | {what} loss {event['loss']:.4f}, "
        f"{event['bits_per_byte']:.2f} bits per byte{some}"
    )


def sample_of(event: Event, config: Config) -> str:
    """How much was measured, if it wasn't everything."""
    if "measured" not in event:
        return ""
    kind = "windows" if config.long == "window" else "documents"
    return f", a sample: {event['measured']:,} of {event['of']:,} {kind}"


def written_line(event: Event) -> str:
    """What the model writes during training, on one line: the beginnings of long ones."""
    texts = [visible(str(sample["text"])).replace("\n", "⏎") for sample in event["samples"]]
    texts = [text[: 60 if len(texts) > 1 else 120] for text in texts]
    return f"step {event['step']:>4} writes: {' · '.join(texts)}"


def run_lines(run: dict[str, Any], config: Config) -> list[str]:
    """What is about to be trained, how, and where it goes."""
    layers = "1 layer" if config.n_layer == 1 else f"{config.n_layer} layers"
    heads = "1 head" if config.n_head == 1 else f"{config.n_head} heads"
    threads = "1 thread" if run["threads"] == 1 else f"{run['threads']} threads"
    batch = "1 document" if config.batch_size == 1 else f"{config.batch_size} documents"
    if config.long == "window":
        batch = batch.replace("document", "window")
    beyond = "".join(f", {what}" for what in config.beyond(IN_LINES))
    where = f", on {run['device']}" if "device" in run else ""
    resumed = f" (from step {run['step']:,} on)" if run["step"] else ""
    return [
        f"model   {run['parameters']:,} parameters: {layers}, {heads}, n_embd {config.n_embd}, "
        f"block_size {config.block_size}, {config.activation}{beyond}",
        f"engine  {run['engine']}, {run['dtype']}, {threads}{where}",
        f"train   {config.steps:,} steps of {batch}{resumed}, {config.optimizer}, "
        f"lr {config.lr:g} {config.schedule}, seed {config.seed}",
        f"run     {run['dir'] or 'kept in memory only'}",
    ]


def floor_lines(
    config: Config,
    floors: dict[str, float],
    held_out: Sequence[Event],
    running: bool = False,
    unit: str = "character",
) -> list[str]:
    """What the numbers mean: one line each for the floors and the held-out loss.

    ``running``: it is one running text that is trained on. ``unit``: what a token is.
    """
    lines = ["loss in nats per token, lower is better:"]
    about = {
        "random": f"guessing blindly among {config.vocab_size} tokens",
        "bigram": f"counting which {unit} follows which, on the same documents",
    }
    if running:
        about["bigram"] = about["bigram"].replace("documents", "text")
    for name, floor in floors.items():
        lines.append(f"  {floor:.2f}  {about[name]}")
    kinds = {
        "unused": "this model, on the documents it never reached",
        "distinct": "this model, on documents held out of training",
        "validation": "this model, on the validation documents",
        "tail": "this model, on the end of the text, which was held out",
    }
    if running:
        kinds["validation"] = "this model, on the part before the end, kept for validation"
    for event in held_out:
        lines.append(f"  {event['loss']:.2f}  {kinds[event['split']]}:")
        lines.append(
            f"        {event['bits_per_byte']:.2f} bits per byte, {event['tokens']:,} tokens"
            f"{sample_of(event, config)}"
        )
    if not held_out and running:
        lines.append("  no held-out loss: training reaches all of the text. Its end")
        lines.append("  can be held out: --holdout 0.1")
    elif not held_out:
        lines.append(
            "  no held-out loss: training reaches everything. With several documents, some"
        )
        lines.append("  can be held out: --holdout 0.1")
    return lines


def sample_lines(samples: Sequence[dict[str, Any]]) -> list[str]:
    """Numbered samples with their marks, and what the marks mean."""
    return [*numbered_lines(samples), *mark_lines(Counter(s["mark"] for s in samples))]


def numbered_lines(samples: Sequence[dict[str, Any]], first: int = 1) -> list[str]:
    """Samples with their marks, numbered from ``first`` on.

    Short ones take one line each, with ⏎ for a line break; long ones are shown as they are, below
    their number.
    """
    lines = []
    texts = [visible(str(sample["text"])) for sample in samples]
    short = all(len(text) <= 60 for text in texts)
    width = max((len(text) for text in texts), default=0)
    for i, (text, sample) in enumerate(zip(texts, samples, strict=True), first):
        mark = sample["mark"]
        shown = f"{MARK_SIGNS[mark]} {mark}" if mark else ""
        if short:
            text = text.replace("\n", "⏎")
            lines.append(f"sample {i:2d}: {text:<{width}}  {shown}".rstrip())
        else:
            lines += [f"sample {i:2d}: {shown}".rstrip(), *text.split("\n"), ""]
    return lines


def mark_lines(marks: Mapping[str | None, int]) -> list[str]:
    """How often each mark occurs, and what it means; nothing if no sample has one."""
    if not any(marks.get(mark) for mark in MARKS_EXPLAINED):
        return []
    counts = [f"{marks.get(mark, 0)} {mark} ({about})" for mark, about in MARKS_EXPLAINED.items()]
    return [" · ".join(counts)]


def next_lines(run_dir: Path, config: Config, samples: Sequence[dict[str, Any]]) -> list[str]:
    """The two commands to try next."""
    first = next((str(s["text"])[:1] for s in samples if str(s["text"])[:1].isalnum()), "")
    more = ["--prefix", first, "--new"] if first else ["--new"]
    if config.long == "window":
        more = ["--count", "1", "--length", "500"]
    return [
        command("sample", run_dir, *more),
        command("inspect", run_dir, "--html", run_dir / "report.html"),
    ]
