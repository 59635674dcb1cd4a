"""One text by characters and by byte pairs: which tokens cost the fewest bits per byte?

    python bench/tokens.py [--runs FOLDER] [--seeds 3]    # with the recorded steps and rates
    python bench/tokens.py --anew [--seconds 8]           # these are found again first
    python bench/tokens.py --check                        # other seeds; fails where results differ

Shakespeare's plays, the last tenth held out. All models have about as many parameters: a larger
vocabulary has larger tables, so the layers between them get narrower. And all train for about as
much processor time: with --anew the time of a step is measured, the models taking turns, and each
gets as many steps as fit into --seconds. The learning rate is then chosen from three, by one
seed's loss on the tenth before the last, which is left out of training for that; two models take
the rate of one that is about as wide. The table's runs have other seeds, and the last tenth was
not looked at before them. One seed of each model trains four times as long, at the same rate.

Every finished run is kept in FOLDER/tokens.json [runs/tokens], and none is made twice. Results go
to bench/results/tokens.json and .md. Native engine, float32, one thread.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from common import RESULTS, ROOT, save

from microgpt.config import Config, make_config
from microgpt.data import Dataset, load_data
from microgpt.start import hold_out
from microgpt.subwords import BytePairTokenizer
from microgpt.tokenizer import AnyTokenizer, Tokenizer
from microgpt.training import Trainer

BASE = {"n_layer": 4, "n_head": 4, "long": "window", "holdout": 0.1, "schedule": "cosine",
        "beta1": 0.9, "warmup": 100, "lr_end": 0.1}  # fmt: skip
WIDTH = 64  # of the model by characters; the others get as many parameters
POSITIONS = 384  # that a step takes, in windows of block_size
RATES = (0.005, 0.01, 0.02)
CHOOSING, FIRST = 1, 101  # the seed that chooses the rate, and the first of the table's
TURNS, TURN = 5, 20  # steps that are timed
LONGER = 4  # times as many steps, for one seed: does the difference last?


@dataclass(frozen=True)
class Row:
    """A model: ``vocab_size`` None is characters. ``like``: the row that chose its rate."""

    name: str
    vocab_size: int | None
    block_size: int = 64
    like: str = ""


ROWS = (
    Row("characters", None),
    Row("characters, block 192", None, 192),
    Row("bytes, no merge", 257, like="characters"),
    Row("byte pairs, 512", 512, like="byte pairs, 1,024"),
    Row("byte pairs, 1,024", 1024),
    Row("byte pairs, 2,048", 2048),
)


class Text:
    """The data, and the tokenizer of each row, as ``microgpt train`` makes it."""

    def __init__(self, data: Dataset) -> None:
        self.data = data
        self._made: dict[tuple[int, bool], AnyTokenizer] = {}

    def train(self, choosing: bool = False) -> list[str]:
        """What is trained on: all that is neither held out nor, while choosing, for that."""
        return hold_out(make_config(holdout=0.1, validation=choosing), self.data).train

    def tokenizer(self, row: Row, choosing: bool = False) -> AnyTokenizer:
        """Its merges are trained on what the run is trained on."""
        if row.vocab_size is None:
            return Tokenizer.of(self.data.docs)
        what = (row.vocab_size, choosing)
        if what not in self._made:
            self._made[what] = BytePairTokenizer.of(self.train(choosing), row.vocab_size)
        return self._made[what]

    def count(self, row: Row) -> int:
        """Tokens of the whole text, its end included."""
        _, counts = self.tokenizer(row).encode_many(self.data.docs)
        return int(counts.sum()) + len(self.data.docs)

    def size(self, row: Row) -> int:
        """Bytes of the whole text by its tokens: the same for every tokenizer."""
        tokenizer = self.tokenizer(row)
        ids, _ = tokenizer.encode_many(self.data.docs)
        return int(tokenizer.bytes_of()[ids].sum()) + len(self.data.docs)


def config_of(row: Row, vocab_size: int, **more: Any) -> Config:
    """The row's model: as wide as makes its parameters closest to those by characters."""
    sizes = {**BASE, "block_size": row.block_size, "batch_size": POSITIONS // row.block_size}

    def at(width: int, vocab: int, block: int) -> int:
        return make_config(
            **{**BASE, "n_embd": width, "block_size": block}, vocab_size=vocab
        ).parameters()

    wanted = at(WIDTH, 66, 64)
    width = min(range(4, 257, 4), key=lambda d: abs(at(d, vocab_size, row.block_size) - wanted))
    return make_config(**{**sizes, "n_embd": width, **more}, vocab_size=vocab_size)


def trainer_of(row: Row, text: Text, **more: Any) -> Trainer:
    tokenizer = text.tokenizer(row, more.get("validation", False))
    return Trainer(
        config_of(row, tokenizer.vocab_size, **more), text.data, tokenizer=tokenizer,
        engine="native", dtype="float32", threads=1, eval_every=0, eval_docs=0,
    )  # fmt: skip


def step_seconds(text: Text, rows: tuple[Row, ...]) -> dict[str, float]:
    """Processor seconds of a step of each row's model: the least of turns that alternate."""
    found = dict.fromkeys((row.name for row in rows), math.inf)
    for _ in range(TURNS):
        for row in rows:
            trainer = trainer_of(row, text, steps=TURN, warmup=0)
            begun = 0.0
            for event in trainer.events():
                if event.get("step") == 1:
                    begun = time.process_time()
                elif event.get("step") == TURN:
                    break
            spent = (time.process_time() - begun) / (TURN - 1)
            found[row.name] = min(found[row.name], spent)
            trainer.close()
    return found


def run(row: Row, text: Text, steps: int, lr: float, seed: int, choosing: bool) -> dict[str, Any]:
    """Train to the end; what is measured on the tenth that is held out, or on that to choose by."""
    trainer = trainer_of(row, text, steps=steps, lr=lr, seed=seed, validation=choosing)
    begun, spent, found = time.process_time(), 0.0, {}
    for event in trainer.events():
        if event.get("step") == steps and "loss" in event:
            spent = time.process_time() - begun
        elif "eval" in event and event["eval"]["split"] == ("validation" if choosing else "tail"):
            found = event["eval"]
            break
    trainer.close()
    return {"loss": found["loss"], "bits_per_byte": found["bits_per_byte"],
            "tokens": found["tokens"], "seconds": spent}  # fmt: skip


class Kept:
    """Finished runs on disk, by what they were."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.runs = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def run(self, row: Row, text: Text, steps: int, lr: float, seed: int, choosing: bool = False
            ) -> dict[str, Any]:  # fmt: skip
        what = "choosing" if choosing else "table"
        key = f"{row.name}: {steps} steps, lr {lr}, seed {seed}, {what}"
        if key not in self.runs:
            self.runs[key] = run(row, text, steps, lr, seed, choosing)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(self.runs, indent=1) + "\n", encoding="utf-8")
            print(f"{key}: {self.runs[key]['bits_per_byte']:.4f} bits per byte", flush=True)
        found: dict[str, Any] = self.runs[key]
        return found


def planned(text: Text, rows: tuple[Row, ...], seconds: float, kept: Kept) -> dict[str, Any]:
    """Steps and learning rate of each row, and what the choice was made by."""
    if "steps" not in kept.runs:
        each = step_seconds(text, rows)
        kept.runs["steps"] = {name: round(seconds / s / 10) * 10 for name, s in each.items()}
    plan: dict[str, Any] = {}
    for row in sorted(rows, key=lambda row: bool(row.like)):
        steps = kept.runs["steps"][row.name]
        if row.like:
            plan[row.name] = {"steps": steps, "lr": plan[row.like]["lr"], "tried": {}}
            continue
        tried = {
            lr: kept.run(row, text, steps, lr, CHOOSING, choosing=True)["bits_per_byte"]
            for lr in RATES
        }
        best = min(tried, key=lambda lr: tried[lr])
        plan[row.name] = {
            "steps": steps,
            "lr": best,
            "tried": {str(k): v for k, v in tried.items()},
        }
    return plan


def spread(numbers: list[float]) -> tuple[float, float]:
    """The mean, and two standard errors of it."""
    return statistics.mean(numbers), 2 * statistics.stdev(numbers) / math.sqrt(len(numbers))


def measured(
    row: Row, text: Text, plan: dict[str, Any], first: int, seeds: int, kept: Kept
) -> dict[str, Any]:
    """A row of the table."""
    tokenizer = text.tokenizer(row)
    config = config_of(row, tokenizer.vocab_size)
    runs = [
        kept.run(row, text, plan["steps"], plan["lr"], seed) for seed in range(first, first + seeds)
    ]
    tokens, size = text.count(row), text.size(row)
    tables = sum(a * b for n, (a, b) in config.shapes().items() if n in ("wte", "lm_head"))
    trained = len(tokenizer.encode(text.train()[0]))
    return {
        "row": row.name,
        "vocab_size": tokenizer.vocab_size,
        "tokens": tokens,
        "bytes": size,
        "bytes_per_token": size / tokens,
        "n_embd": config.n_embd,
        "parameters": config.parameters(),
        "in_tables": tables,
        "block_size": row.block_size,
        "block_bytes": row.block_size * size / tokens,
        **plan,
        "passes": plan["steps"] * POSITIONS / trained,
        "seeds": list(range(first, first + seeds)),
        "losses": [found["loss"] for found in runs],
        "bits_per_byte": [found["bits_per_byte"] for found in runs],
        "seconds": statistics.mean(found["seconds"] for found in runs),
    }


def longer(rows: list[dict[str, Any]], text: Text, kept: Kept) -> list[dict[str, Any]]:
    """The models that differ most, trained longer."""
    found = []
    for row, model in zip(rows, ROWS, strict=True):
        if model.vocab_size in (None, 1024, 2048):
            steps = LONGER * row["steps"]
            one = kept.run(model, text, steps, row["lr"], FIRST)
            found.append({"row": row["row"], "steps": steps, "seeds": [FIRST], **one})
    return found


def table(rows: list[dict[str, Any]]) -> list[str]:
    lines = [
        "| tokens | vocabulary | tokens of the text | bytes a token | n_embd | parameters "
        "| in the tables | block, tokens | block, bytes | lr | steps | passes | processor s "
        "| nats per token | bits per byte |",
        "|---|" + "--:|" * 14,
    ]
    for row in rows:
        nats, bits = spread(row["losses"]), spread(row["bits_per_byte"])
        lines.append(
            f"| {row['row']} | {row['vocab_size']:,} | {row['tokens']:,} "
            f"| {row['bytes_per_token']:.3f} | {row['n_embd']} | {row['parameters']:,} "
            f"| {row['in_tables'] / row['parameters']:.0%} | {row['block_size']} "
            f"| {row['block_bytes']:.0f} | {row['lr']:g} | {row['steps']:,} | {row['passes']:.1f} "
            f"| {row['seconds']:.0f} | {nats[0]:.3f} ± {nats[1]:.3f} "
            f"| {bits[0]:.3f} ± {bits[1]:.3f} |"
        )
    return lines


def apart(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether two results of a row differ by more than six standard errors of the difference.

    With three seeds each, luck does that once in 250 times.
    """
    (a, a_error), (b, b_error) = spread(old["bits_per_byte"]), spread(new["bits_per_byte"])
    return abs(a - b) > 3 * math.hypot(a_error, b_error)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "tokens")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--anew", action="store_true")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    if asked.seeds < 2:
        parser.error("one seed has no standard error")
    kept, text = Kept(asked.runs / "tokens.json"), Text(load_data("shakespeare"))
    if asked.anew:
        plan = planned(text, ROWS, asked.seconds, kept)
        recorded = {}
    else:
        found = json.loads((RESULTS / "tokens.json").read_text(encoding="utf-8"))
        recorded = {row["row"]: row for row in found["rows"]}
        plan = {
            name: {key: row[key] for key in ("steps", "lr", "tried")}
            for name, row in recorded.items()
        }
    first = FIRST + 100 if asked.check else FIRST
    rows = [measured(row, text, plan[row.name], first, asked.seeds, kept) for row in ROWS]
    if asked.check:
        print("\n".join(table(rows)))
        sys.exit(any(apart(recorded[row["row"]], row) for row in rows))
    more = longer(rows, text, kept)
    lines = [
        "Shakespeare's plays, 1,115,394 bytes, the last tenth held out, all of it measured in "
        "blocks that don't overlap. 4 layers, 4 heads, the published blocks, about as many "
        "parameters in every row (*in the tables*: the share of wte and lm_head) and about as much "
        f"processor time for the steps. {asked.seeds} seeds, ± two standard errors. *passes*: how "
        "often training goes over its text. Merges are trained on the text that the models are "
        "trained on. Processor seconds are those of the steps, beside other work on the machine.",
        "",
        *table(rows),
        "",
        f"{LONGER} times as many steps at the same rate, one seed:",
        "",
        "| tokens | steps | processor s | nats per token | bits per byte |",
        "|---|--:|--:|--:|--:|",
        *(
            f"| {one['row']} | {one['steps']:,} | {one['seconds']:.0f} | {one['loss']:.3f} "
            f"| {one['bits_per_byte']:.3f} |"
            for one in more
        ),
    ]
    save("tokens", {"rows": rows, "longer": more}, lines)


if __name__ == "__main__":
    main()
