"""Make guide/data/ladder.json: every loss that the first six rungs of the ladder print, and rung 7.

    python scripts/record_ladder.py            run the rungs and write the file; about ten minutes
    python scripts/record_ladder.py --check    run them again and compare; exit code 1 if it differs
    python scripts/record_ladder.py 0 1        only these rungs, the others stay as they are

The guide draws its loss curves from this file. Beside the losses it holds each rung's mean loss on
the names that its run never reached, and two baselines (the floors) to compare with: blind
guessing, and add-one counts of pairs over the whole list. Rungs 6, 8 and 9 print what others print
(tests/test_ladder_arrays.py), so only rung 7 is added, under ``batches`` with the names of its
first batch; ``speed`` is taken from bench/results/ladder.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
for folder in ("src", "tests"):
    if str(ROOT / folder) not in sys.path:
        sys.path.insert(0, str(ROOT / folder))

from ladder_runner import held_out, losses, run_rung, samples
from microgpt.files import write_atomic

OUT = ROOT / "guide" / "data" / "ladder.json"
NAMES = ROOT / "data" / "names.txt"
SPEED = ROOT / "bench" / "results" / "ladder.json"
RUNGS = range(6)


def floors() -> dict[str, float]:
    """Losses to compare with, in nats per token: {"random", "bigram"}."""
    docs = [line.strip() for line in NAMES.read_text(encoding="utf-8").splitlines()]
    pairs = Counter(p for d in docs if d for p in zip("." + d, d + ".", strict=True))
    first = Counter(a for a, _ in pairs.elements())
    size = len({char for doc in docs for char in doc}) + 1
    surprise = sum(n * math.log((first[a] + size) / (n + 1)) for (a, _), n in pairs.items())
    return {"random": math.log(size), "bigram": surprise / pairs.total()}


def record(rung: int) -> dict[str, Any]:
    """One whole run: what it is called, its printed losses, its loss on unseen names, samples."""
    namespace, lines = run_rung(rung, None)
    return {
        "rung": rung,
        "losses": [float(loss) for loss in losses(lines)],
        "held_out": round(float(held_out(namespace)), 6),
        "samples": samples(lines),
    }


def batches() -> dict[str, Any]:
    """Rung 7, and the names that its first step learns from."""
    namespace, _ = run_rung(7, 0)
    size = namespace["batch_size"]
    return {**record(7), "batch_size": size, "first": namespace["docs"][:size]}


def speed() -> list[dict[str, Any]]:
    """How many times as fast as rung 5 the rungs learn, one document a step and a batch."""
    return [
        {
            "rung": row["rung"],
            "batch_size": row["batch_size"],
            "times": float(f"{row['times'].get('5', 1):.4g}"),
        }
        for row in json.loads(SPEED.read_text(encoding="utf-8"))["training"]
        if row["n_embd"] == 16
    ]


def written(runs: list[dict[str, Any]]) -> str:
    about = {
        "what": "python scripts/record_ladder.py: what ladder/train0.py to train5.py print",
        "unit": "nats per token; one document a step, before it is learned from",
        "seed": 42,
        "data": "names",
        "data_sha256": hashlib.sha256(NAMES.read_bytes()).hexdigest(),
        "floors": {name: round(x, 6) for name, x in floors().items()},
    }
    lines = [json.dumps(run, separators=(",", ":")) for run in runs]
    more = [
        f' "{name}": {json.dumps(made(), separators=(",", ":"))}'
        for name, made in (("batches", batches), ("speed", speed))
    ]
    head = ",\n".join([json.dumps(about, indent=1)[:-2], *more])
    return head + ',\n "rungs": [\n' + ",\n".join(lines) + "\n]}\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rungs", type=int, nargs="*", help="only these, 0 to 5")
    parser.add_argument("--check", action="store_true", help="compare with the file, write nothing")
    options = parser.parse_args()
    kept = {}
    if OUT.exists():
        kept = {run["rung"]: run for run in json.loads(OUT.read_text(encoding="utf-8"))["rungs"]}
    different = []
    for rung in options.rungs or RUNGS:
        run = record(rung)
        print(f"rung {rung}: {len(run['losses'])} losses, {run['held_out']} unseen", flush=True)
        if run != kept.get(rung):
            different.append(rung)
        if not options.check:
            kept[rung] = run
            write_atomic(OUT, written([kept[r] for r in sorted(kept)]).encode())
    if options.check and different:
        print(f"{OUT.name} differs at rung {', '.join(map(str, different))}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
