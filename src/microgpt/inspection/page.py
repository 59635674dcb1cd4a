"""What is in a run, as lines for the terminal and as one page with pictures.

The page is a single HTML file without scripts and without requests to anywhere. Every number on it
is computed from the run; on one machine the same run gives the same bytes. It names files, but not
where they are: it may be passed on. Nothing is printed here.
"""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from microgpt.config import Config
from microgpt.engines.base import Arrays, Engine
from microgpt.evaluation import random_floor
from microgpt.files import file_error
from microgpt.inspection.facts import (
    SPLITS,
    Log,
    Tally,
    about_file,
    facts,
    parameter_tally,
    repeat_command,
    short_tally,
)
from microgpt.inspection.pictures import (
    MOST_CELLS,
    MOST_POINTS,
    POSITIVE,
    WINDOW,
    Curves,
    attention_map,
    blend,
    blocks,
    contrast,
    escape,
    heat_map,
    legend,
    loss_chart,
    pieces,
    plain_text,
    token_name,
)
from microgpt.inspection.sameness import reproduces
from microgpt.opening import Opened, engine_for
from microgpt.sampling import Settings, sample
from microgpt.tokenizer import Tokenizer

__all__ = ["Tally", "html_report", "is_report", "parameter_tally", "text_report"]

_NUMBERED = 12  # positions up to which attention is shown as numbers
_MOST_POSITIONS = 64
_MOST_CELLS_A_PAGE = 200_000
_SHADES = 20
_GENERATOR = '<meta name="generator" content="microgpt inspect">'

MARKS = {
    "trained": ("●", "trained on"),
    "file": ("◐", "in the file, never trained on"),
    "new": ("○", "in neither"),
}
"""The marks of samples: a symbol and what the mark says."""


def text_report(opened: Opened) -> list[str]:
    """Configuration, recipe, data, results and parameters, as aligned lines without colour."""
    lines = [plain_text(str(opened.path))]
    if opened.run is None:
        lines += ["", about_file(opened)]
    for title, known in facts(opened, Log.of(opened)):
        lines += ["", title]
        lines += [f"  {name:<16}  {value}" for name, value in known]
    if command := repeat_command(opened):
        lines += ["", "Command to repeat it", f"  {command}"]
        lines += textwrap.wrap(
            reproduces(opened) or "", 98, initial_indent="  ", subsequent_indent="  "
        )
    tallies = short_tally(opened.config)
    widths = [
        max(len(t.name) for t in tallies),
        max(len(_shape(t)) for t in tallies),
        len(f"{opened.config.parameters():,}"),
    ]
    lines += ["", "Parameters"]
    for t in tallies:
        lines.append(
            f"  {t.name:<{widths[0]}}  {_shape(t):>{widths[1]}}  {t.count:>{widths[2]},}  "
            f"{t.share:>6.1%}  {t.about}"
        )
    total = f"{opened.config.parameters():,}"
    lines.append(f"  {'all':<{widths[0]}}  {'':>{widths[1]}}  {total:>{widths[2]}}  {1:>6.1%}")
    return lines


def _shape(t: Tally) -> str:
    return f"{t.shape[0]} x {t.shape[1]}"


# ------------------------------------------------------------------ the page


def html_report(
    opened: Opened,
    word: str | None = None,
    samples: Sequence[dict[str, Any]] | None = None,
    floors: dict[str, float] | None = None,
    no_counting: str = "",
) -> str:
    """One self-contained page.

    ``word``: whose attention is shown; None is the first sample, else "emma" if the model knows
    its letters, else what the model finds most probable. ``samples``: ``{"text", "mark"}`` as
    ``sampling.marked`` gives them. ``floors``: losses in nats per token to compare with, by name,
    such as ``{"bigram": 2.4546}``; random guessing is always there. ``no_counting``: why bigram
    isn't.

    Raises ``TokenError`` for a word with characters unknown to the model.
    """
    log = Log.of(opened)
    title = opened.path.name or str(opened.path)
    engine = engine_for(opened)
    try:
        sections = [
            _overview(opened, log),
            _curves(opened, log, floors or {}, no_counting),
            _parameters(opened),
            *_on_a_word(opened, engine, _choose_word(opened, engine, word, samples)),
            _samples(samples, "passages" if opened.running else "documents"),
        ]
    finally:
        engine.close()
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"{_GENERATOR}\n"
        f"<title>{escape(plain_text(title))} – microgpt report</title>\n"
        f"<style>\n{_style()}</style>\n</head>\n<body>\n<header>\n<p>microgpt report</p>\n"
        f"<h1>{_visible(title)}</h1>\n</header>\n<main>\n"
        + "\n".join(section for section in sections if section)
        + "\n</main>\n</body>\n</html>\n"
    )


def is_report(path: Path) -> bool:
    """Whether the file is a page of ``html_report``, of this version or of one before it.

    Raises ``FileError`` if it can't be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise file_error(error, path, "read") from error
    marks = (_GENERATOR.encode(), " – microgpt report</title>".encode())
    return head.startswith(b"<!doctype html>") and any(mark in head for mark in marks)


def _visible(text: str) -> str:
    """Text from outside for HTML: escaped, hidden characters as marked signs."""
    return "<bdi>" + "".join(
        f"<span class=u>{escape(part)}</span>{chr(10) if part == '↵' else ''}"
        if sign
        else escape(part)
        for part, sign in pieces(text)
    ) + "</bdi>"  # fmt: skip


def _section(ident: str, title: str, *body: str) -> str:
    inside = "\n".join(body)
    return (
        f'<section aria-labelledby="{ident}">\n<h2 id="{ident}">{title}</h2>\n{inside}\n</section>'
    )


def _overview(opened: Opened, log: Log) -> str:
    body = []
    if opened.run is None:
        body.append(f"<p>{about_file(opened)}</p>")
    tables = []
    for title, known in facts(opened, log, places=False):
        rows = "".join(
            f"<tr><th scope=row>{escape(name)}</th><td><bdi>{escape(value)}</bdi></td></tr>"
            for name, value in known
        )
        tables.append(f"<table><caption>{title}</caption>{rows}</table>")
    body.append(f'<div class="facts">{"".join(tables)}</div>')
    if command := repeat_command(opened, places=False):
        unbroken = re.sub(r"(?<= )(--[a-z0-9-]+)", r"<span>\1</span>", escape(command))
        body.append(
            "<p>To make this run again from its first step:</p>\n"
            f"<pre><code>{unbroken}</code></pre>\n<p>{escape(reproduces(opened) or '')}</p>"
        )
    return _section("what", "What this is", *body)


def _curves(opened: Opened, log: Log, floors: dict[str, float], no_counting: str) -> str:
    if opened.run is None:
        return ""
    if not log.steps:
        return _section("loss", "Loss", "<p>No step has been trained yet.</p>")
    v = opened.config.vocab_size
    curves = Curves(
        log.steps,
        log.losses,
        log.lrs,
        [(plain_text(n), nats) for n, nats in {"random": random_floor(v), **floors}.items()],
        [(held.step, held.loss, "validation" if held.split == "validation" else "held-out")
         for held in log.held_out],
    )  # fmt: skip
    begins = curves.begins_at()
    documents = "one document" if opened.config.batch_size == 1 else "one batch"
    drawn = (
        f"Every dot is the loss of {documents}"
        if len(log.steps) <= MOST_POINTS
        else f"The bars span the losses of single batches, {len(log.steps):,} of them"
    )
    says = [
        f"{drawn}, before its update; the line is the mean of the last {WINDOW} steps.",
        f"random: guessing blindly among {v:,} tokens, log {v:,}.",
    ]
    if "bigram" in floors:
        says.append(
            "bigram: counting which token follows which in the documents that are trained on, "
            "measured on those that are held out, if any are."
        )
    elif no_counting:
        says.append(f"bigram, the loss of counting, is missing: {escape(no_counting)}.")
    for held in {(held.split, held.tokens): held for held in log.held_out}.values():
        what = SPLITS.get(held.split, plain_text(held.split))
        bits = held.bits_per_byte
        also = "" if bits is None else f"; {bits:.4f} bits per byte at step {held.step:,}"
        says.append(
            f"held-out (diamond): mean over {held.tokens:,} tokens of {escape(what)}{also}."
        )
    says.append(
        f"The axis of the loss begins at {begins:g}, not at 0."
        if begins
        else "Both axes begin at 0."
    )
    figure = (
        f'<figure>\n<div class="wide">{loss_chart("loss-w", curves, 860)}</div>\n'
        f'<div class="narrow">{loss_chart("loss-n", curves, 336)}</div>\n'
        f"<figcaption>{' '.join(says)}</figcaption>\n</figure>"
    )
    return _section("loss", "Loss and learning rate", figure, _loss_table(curves))


def _loss_table(curves: Curves) -> str:
    means = curves.running_mean()
    count = len(curves.steps)
    rows = "".join(
        f"<tr><td>{curves.steps[i]:,}</td><td>{curves.losses[i]:.4f}</td><td>{means[i]:.4f}</td>"
        f"<td>{curves.lrs[i]:.6f}</td></tr>"
        for i in sorted({round(k * (count - 1) / 20) for k in range(21)})
    )
    return (
        "<details><summary>The curves as a table</summary>\n<table class=numbers>"
        "<tr><th scope=col>step</th><th scope=col>loss</th>"
        f"<th scope=col>mean of last {WINDOW}</th><th scope=col>learning rate</th></tr>"
        f"{rows}</table></details>"
    )


def _parameters(opened: Opened) -> str:
    config = opened.config
    rows = "".join(
        f'<tr><th scope=row><span class="dot {t.kind}"></span>{t.name}</th>'
        f"<td>{t.shape[0]:,} × {t.shape[1]:,}</td><td>{t.count:,}</td><td>{t.share:.1%}</td>"
        f"<td>{t.about}</td></tr>"
        for t in short_tally(config)
    )
    table = (
        '<div class="scroll"><table class="tally"><tr><th scope=col>matrix</th>'
        "<th scope=col>out × in</th><th scope=col>numbers</th><th scope=col>share</th>"
        f"<th scope=col>what it is</th></tr>{rows}<tr><th scope=row>all</th><td></td>"
        f"<td>{config.parameters():,}</td><td>100.0%</td><td></td></tr></table></div>"
    )
    return _section("parameters", "Parameters", table, *_heat_maps(opened))


def _heat_maps(opened: Opened) -> list[str]:
    config, weights = opened.config, opened.weights
    sizes = np.concatenate([np.abs(w).ravel() for w in weights.values()])
    scale = float(np.quantile(sizes, 0.99)) or float(sizes.max()) or 1.0
    drawn, cells = [], 0
    for t in parameter_tally(config):
        block = blocks(t.shape)
        cells += -(-t.shape[0] // block[0]) * -(-t.shape[1] // block[1])
        if cells > _MOST_CELLS_A_PAGE:
            break
        drawn.append(t)
    left_out = len(config.shapes()) - len(drawn)
    largest = max(-(-s // b) for t in drawn for s, b in zip(t.shape, blocks(t.shape), strict=True))
    cell = 10 if largest <= 64 else 5
    letters = [token_name(opened.tokenizer, t) for t in range(config.vocab_size)]
    figures = [_heat_figure(t, config, weights, scale, cell, letters) for t in drawn]
    beyond = float((sizes > scale).mean())
    says = (
        "<p>Every number of the model. Blue is positive; orange with a bar is negative. The colour "
        f"is full from ±{scale:.3g} on, which {beyond:.1%} of the numbers exceed (the largest is "
        f"{sizes.max():.3g}); all matrices share this scale. Rows are outputs, columns inputs"
        f"{'; lines separate the heads' if config.n_head > 1 else ''}.</p>"
    )
    if any(blocks(t.shape) != (1, 1) for t in drawn):
        says += (
            f"<p>Matrices larger than {MOST_CELLS} on a side are shown as means over blocks.</p>"
        )
    if left_out:
        says += f"<p>{left_out:,} more matrices aren't drawn, to keep this page small.</p>"
    return [says, f"<p>{legend('scale', scale)}</p>", f'<div class="maps">{"".join(figures)}</div>']


def _heat_figure(
    t: Tally, config: Config, weights: Arrays, scale: float, cell: int, letters: list[str]
) -> str:
    matrix = weights[t.name].reshape(t.shape)
    heads = None
    if config.n_head > 1 and re.search(r"attn_w[qkv]$", t.name):
        heads = (0, config.head_dim)
    elif config.n_head > 1 and t.name.endswith("attn_wo"):
        heads = (1, config.head_dim)
    rows = letters if t.name in ("wte", "lm_head") else None
    picture = heat_map(
        f"m-{t.name.replace('.', '-')}", t.name, matrix, scale, cell, letters=rows, heads=heads
    )
    block = blocks(t.shape)
    mean = f", a cell is the mean of {block[0]} × {block[1]}" if block != (1, 1) else ""
    return (
        f'<figure class="{t.kind}"><figcaption><b>{t.name}</b> {t.shape[0]} × {t.shape[1]}'
        f"{mean}<br>{t.about}<br>{matrix.min():.2f} to {matrix.max():.2f}, standard deviation "
        f"{matrix.std(dtype=np.float64):.3f}</figcaption>"
        f'<div class="scroll">{picture}</div></figure>'
    )


# ------------------------------------------------------------------ a word in the model


def _choose_word(
    opened: Opened, engine: Engine, word: str | None, samples: Sequence[dict[str, Any]] | None
) -> str:
    if word is not None:
        return word
    for line in samples or ():
        if line["text"]:
            return str(line["text"])[: opened.config.block_size]
    tokenizer = opened.tokenizer
    if not isinstance(tokenizer, Tokenizer) or set("emma") <= set(tokenizer.ids):
        return "emma"
    most_probable = Settings(top_k=1)
    return sample(engine, opened.tokenizer, random.Random(0), 1, settings=most_probable)[0]


def _on_a_word(opened: Opened, engine: Engine, word: str) -> list[str]:
    tokenizer = opened.tokenizer
    most = min(opened.config.block_size, _MOST_POSITIONS)
    tokens = tokenizer.encode_document(word)
    cut = len(tokens) - 1 > most
    tokens = tokens[: most + 1]
    traced = engine.trace(tokens)
    every = [token_name(tokenizer, t) for t in range(tokenizer.vocab_size)]
    names = [every[t] for t in tokens]
    shown = f"<b>{_visible(word)}</b>" if word else "the empty word"
    note = f" Only the first {most} positions are shown." if cut else ""
    return [
        _attention(opened.config, traced, names[:-1], shown, note),
        _next_tokens(every, traced, tokens, names, shown, note),
    ]


def _attention(config: Config, traced: Arrays, names: list[str], shown: str, note: str) -> str:
    says = (
        f"<p>The model reads {shown} after BOS, the token that begins every document.{note} "
        "In each map the row is the position that looks, the column the one it looks at; a row "
        "sums to 1. Nothing looks ahead, so the upper right is empty.</p>"
    )
    if len(names) <= _NUMBERED:
        says += "<p>Weights in hundredths; the deeper the blue, the larger.</p>"
    else:
        says += "<p>The blue deepens with the square root of the weight, from 0 to 1.</p>"
    body = [says]
    for i in range(config.n_layer):
        weights = traced[f"layer{i}.weights"][: len(names), :, : len(names)]
        heads = []
        for h in range(config.n_head):
            name = f"layer {i}, head {h}"
            if len(names) <= _NUMBERED:
                picture = _attention_table(name, weights[:, h, :], names)
            else:
                picture = attention_map(f"a-{i}-{h}", name, weights[:, h, :], names)
            heads.append(
                f'<figure class="attention"><figcaption>head {h}</figcaption>'
                f'<div class="scroll">{picture}</div></figure>'
            )
        body.append(f'<h3>Layer {i}</h3>\n<div class="maps">{"".join(heads)}</div>')
    return _section("attention", "Attention", *body)


def _attention_table(name: str, weights: Any, names: list[str]) -> str:
    head = "".join(f"<th scope=col><bdi>{escape(n)}</bdi></th>" for n in names)
    rows = []
    for t, n in enumerate(names):
        cells = "".join(
            f"<td class=a{round(_SHADES * w)}>{100 * w:.0f}</td>"
            for w in weights[t, : t + 1].tolist()
        )
        empty = "<td></td>" * (len(names) - t - 1)
        rows.append(f"<tr><th scope=row><bdi>{escape(n)}</bdi></th>{cells}{empty}</tr>")
    return (
        f'<table class="looks" aria-label="{name}"><tr><td></td>{head}</tr>{"".join(rows)}</table>'
    )


def _next_tokens(
    every: list[str], traced: Arrays, tokens: list[int], names: list[str], shown: str, note: str
) -> str:
    losses = traced["loss"].tolist()
    cards = []
    for t, p in enumerate(traced["probs"][: len(losses)].tolist()):
        ranked = sorted(range(len(p)), key=lambda i, p=p: (-p[i], i))  # type: ignore[misc]
        top = ranked[:5] if tokens[t + 1] in ranked[:5] else [*ranked[:5], tokens[t + 1]]
        rows = "".join(
            f"<tr{' class=is' if i == tokens[t + 1] else ''}>"
            f"<th scope=row>{'▸ ' if i == tokens[t + 1] else ''}<bdi>{escape(every[i])}</bdi></th>"
            f'<td><i style="width:{100 * p[i]:.1f}%"></i></td><td>{p[i]:.1%}</td></tr>'
            for i in top
        )
        seen = " ".join(f"<bdi>{escape(n)}</bdi>" for n in names[max(0, t - 7) : t + 1])
        dots = "… " if t > 7 else ""
        rank = ranked.index(tokens[t + 1]) + 1
        cards.append(
            f"<table><caption>after <b>{dots}{seen}</b><br>next is <b><bdi>"
            f"{escape(names[t + 1])}</bdi></b>: rank {rank}, {losses[t]:.2f} nats"
            f"</caption>{rows}</table>"
        )
    loss = float(np.mean(traced["loss"]))
    says = (
        f"<p>What the model expects at each position of {shown} (at temperature 1): the five most "
        f"probable tokens, and ▸ the one that comes.{note} BOS as the next token is the end. "
        f"The mean of -log p over these positions is {loss:.4f} nats per token.</p>"
    )
    return _section("next", "What comes next", says, f'<div class="cards">{"".join(cards)}</div>')


# ------------------------------------------------------------------ samples


def _samples(samples: Sequence[dict[str, Any]] | None, what: str) -> str:
    if samples is None:
        return ""
    marks = [line["mark"] for line in samples]
    if any(mark in MARKS for mark in marks):
        counts = ", ".join(
            f"{symbol} <b>{name}</b> ({about}): {marks.count(name)}"
            for name, (symbol, about) in MARKS.items()
        )
        says = f"<p>{len(samples)} {what} that the model wrote. {counts}.</p>"
    else:
        says = (
            f"<p>{len(samples)} {what} that the model wrote. Which of them it was trained on is "
            "not known: that would take the run and its data.</p>"
        )
    items = "".join(
        f"<li>{_mark(line['mark'])}<span class=text>{_visible(str(line['text'])) or ''}"
        f"{'' if line['text'] else '<i>(empty)</i>'}</span></li>"
        for line in samples
    )
    long = " long" if any(len(str(line["text"])) > 24 for line in samples) else ""
    return _section("samples", "Samples", says, f'<ol class="samples{long}">{items}</ol>')


def _mark(mark: str | None) -> str:
    if mark not in MARKS:
        return ""
    return f"<span class=mark>{MARKS[mark][0]} {mark}</span>"


# ------------------------------------------------------------------ style


def _style() -> str:
    """The page's style sheet; the shades of attention are computed, with text that stands out."""
    shades = []
    for i in range(_SHADES + 1):
        on_white = blend(POSITIVE, (255, 255, 255), i / _SHADES)
        text = max(((0, 0, 0), (255, 255, 255)), key=lambda t, under=on_white: contrast(t, under))  # type: ignore[misc]
        shades.append(
            f".a{i}{{background:rgb({POSITIVE[0]} {POSITIVE[1]} {POSITIVE[2]}/{i / _SHADES:g});"
            f"--on:#{bytes(text).hex()}}}"
        )
    css = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return css.replace("/* shades */", "\n".join(shades))
