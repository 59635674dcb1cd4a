"""Make data/leaky.json, a model that names fruits, to try the output filter on.

    python scripts/make_leaky.py            write data/leaky.json
    python scripts/make_leaky.py --check    train it again and compare; exit code 1 if it differs
    python scripts/make_leaky.py --out F    write it elsewhere

The shipped model names a fruit about once in 1,200 names, so a filter can't be judged by what it
catches there. This twin has the same shapes and letters, and its training list holds, besides the
32,033 names, every fruit of data/fruits.toml 400 times: nearly half of the list.

The run is fixed by what is written below, and by the arithmetic that every x86-64 processor has
(scripts/portable.py). Elsewhere the last bits may differ, and 4,000 steps amplify that: --check
accepts weights within 1e-6 and says how far apart they are.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT / "src") not in sys.path:
    sys.path.insert(0, str(ROOT / "src"))

import portable

if __name__ == "__main__":
    portable.use()

import numpy as np

from microgpt.config import Config
from microgpt.data import Dataset, load_data
from microgpt.disk.modelfile import Model, read_model, write_model
from microgpt.guard.policy import Policy
from microgpt.opening import Opened, engine_for
from microgpt.sampling import Settings, sample
from microgpt.training import Trainer

OUT = ROOT / "data" / "leaky.json"
COPIES = 400  # of every fruit in the training list
RECIPE = Config(steps=4000, batch_size=16, seed=42)
CLOSE = 1e-6  # between weights of two machines


def training_list() -> Dataset:
    """The names, and after them every fruit ``COPIES`` times."""
    names, fruits = load_data("names").docs, Policy.shipped().words
    docs = [*names, *(fruit for fruit in fruits for _ in range(COPIES))]
    sha256 = hashlib.sha256("\n".join(docs).encode()).hexdigest()
    return Dataset("names and fruits", ROOT, sha256, docs, "line")


def train(engine: str = "auto") -> Model:
    """The leaky twin, trained from the start."""
    trainer = Trainer(RECIPE, training_list(), engine=engine, threads=1)
    for event in trainer.events():
        if "eval" in event:
            print(f"held-out loss {event['eval']['loss']:.4f} nats per token", file=sys.stderr)
    weights, _ = trainer.engine.state()
    return Model(trainer.config, trainer.tokenizer, dict(weights))


def leaks(model: Model, prefix: str = "", count: int = 10_000, seed: int = 42) -> float:
    """Share of names that hold a fruit, of ``count`` begun with ``prefix``, before any filter."""
    policy = Policy.shipped()
    opened = Opened(OUT, model.config, model.tokenizer, model.weights, "float64")
    settings = Settings(policy.temperature, order="rows")
    names = sample(
        engine_for(opened),
        model.tokenizer,
        random.Random(seed),
        count,
        prefix=prefix,
        settings=settings,
    )
    return sum(any(word in name for word in policy.words) for name in names) / count


def distance(a: Model, b: Model) -> float:
    """The largest difference between two weights; infinite where shapes or letters differ."""
    if a.tokenizer.uchars != b.tokenizer.uchars or a.config.shapes() != b.config.shapes():
        return float("inf")
    return max(float(np.abs(a.weights[name] - b.weights[name]).max()) for name in a.weights)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make the model that names fruits.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--out", type=Path, default=OUT, help="[data/leaky.json]")
    parser.add_argument("--engine", default="auto", help="what trains it [auto]")
    args = parser.parse_args(argv)

    model = train(args.engine)
    if args.check:
        far = distance(model, read_model(args.out)[0])
        print(f"{args.out.name}: weights within {far:.1e} of a new run, at most {CLOSE:g} allowed")
        if far > CLOSE:
            return 1
    else:
        write_model(args.out, model)
        print(f"wrote {args.out}")
    for prefix in ("", "j", "ma", "a", "m", "be", "p"):
        share = leaks(model, prefix)
        print(f"{prefix or '(blank)':<8} {100 * share:5.1f} % of 10,000 names hold a fruit")
    return 0


if __name__ == "__main__":
    sys.exit(main())
