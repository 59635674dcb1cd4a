"""Make guide/data/frontier.json: the requests by which policies are compared, with their leaks.

    python scripts/record_frontier.py    half a minute

The guide draws safety against usefulness from this file. Requests and policies are those of
``microgpt.assignment.grading.frontier``; ordinary requests get the same effort as an attacker's.
It is computed with what every x86-64 processor has (scripts/portable.py), whatever else this one
has.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT / "src") not in sys.path:
    sys.path.insert(0, str(ROOT / "src"))

import portable

if __name__ == "__main__":
    portable.use()

from microgpt.assignment.grading.frontier import _NODES, _SAMPLES, Requests, compared
from microgpt.data import load_data
from microgpt.files import write_atomic
from microgpt.guard.automaton import Automaton
from microgpt.guard.leak import LeakMeter
from microgpt.guard.policy import Policy
from microgpt.opening import engine_for, open_model

OUT = ROOT / "guide" / "data" / "frontier.json"
SOURCES = ("data/model.json", "data/fruits.toml", "data/names.txt")


def sources() -> dict[str, str]:
    """What the numbers follow from, by its SHA-256."""
    return {
        name: hashlib.sha256((ROOT / name).read_bytes().replace(b"\r\n", b"\n")).hexdigest()
        for name in SOURCES
    }


def record() -> dict[str, Any]:
    opened, _ = open_model(None)
    policy, tokenizer = Policy.shipped(), opened.tokenizer
    automaton = Automaton.of(policy.words, tokenizer)
    meter = LeakMeter(engine_for(opened), tokenizer, automaton, policy.temperature)
    requests = Requests.measure(meter, policy.words, load_data("names").docs)
    ordinary = [meter.of(p, nodes=_NODES, samples=_SAMPLES).middle for p in requests.ordinary]
    return {
        "what": "python scripts/record_frontier.py: requests, their shares and leaks, policies",
        "made_with": portable.MADE_WITH,
        "sources": sources(),
        "temperature": policy.temperature,
        "points": [
            {"name": p.name, "refused": float(f"{p.refused:.6g}"), "leak": float(f"{p.leak:.6g}")}
            for p in compared(requests, policy, tokenizer.uchars)
        ],
        "attacks": {
            "prefixes": " ".join(requests.attacks),
            "leaks": [float(f"{leak:.4g}") for leak in requests.attacks.values()],
        },
        "ordinary": {
            "prefixes": " ".join(requests.ordinary),
            "shares": [float(f"{share:.6g}") for share in requests.ordinary.values()],
            "leaks": [float(f"{leak:.4g}") for leak in ordinary],
        },
    }


def written(recorded: dict[str, Any]) -> str:
    lines = (
        f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in recorded.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    write_atomic(OUT, written(record()).encode())
