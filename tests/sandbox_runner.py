"""Runs submissions in a sandbox and prints what came of it; started by test_sandbox_hostile.py.

Standard input: {"jobs": [{"bot", "lines" | "data", "limits", "mode", "calls", "interactive"}],
"use": layers}. It is a program of its own so that the tests can start it as an ordinary user, and
so that what kills the grader kills only this.
"""

import json
import os
import sys
from pathlib import Path

from microgpt.assignment.box.inside import processes
from microgpt.assignment.box.sandbox import Limits, Sandbox


def alive(uid: int | None, before: set[int]) -> list[str]:
    """Processes of a slot's user, or new ones of this user, that still run."""
    pids = processes.of_user(os.getuid() if uid is None else uid)
    left = [pid for pid in pids if pid not in before and pid != os.getpid()]
    return [Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in left]


def done(sandbox: Sandbox, job: dict) -> dict:
    limits = Limits(**{"cpu_s": 2, "wall_s": 200, "memory": 128 * 2**20, **job.get("limits", {})})
    if job.get("mode") == "hooks":
        with sandbox.hooks(1, limits) as hooks:
            answers = [hooks.call(*call) for call in job["calls"]]
            facts = hooks.facts()
        return {
            "answers": [[a.value, a.error] for a in answers],
            "events": hooks.events,
            "evidence": hooks.evidence,
            "cpu": hooks.cpu_s,
            "patched": facts.patched,
            "memory": hooks.memory,
        }
    lines = job.get("lines", [])
    got = sandbox.run(lines, 1, interactive=job.get("interactive", False), limits=limits)
    return {
        "out": got.out[:4000].decode("latin-1"),
        "length": len(got.out),
        "err": got.err_tail,
        "code": got.code,
        "cpu": got.cpu_s,
        "events": got.events,
        "evidence": got.evidence,
        "memory": got.memory,
        "replies": [None if line is None else line.decode() for line in got.replies],
    }


def main() -> None:
    asked = json.load(sys.stdin)
    with Sandbox(slot=21) as other, Sandbox(slot=20, use=asked["use"]) as sandbox:
        other.place({"bot.py": b"another's work"})
        print(json.dumps({"layers": sorted(sandbox.layers), "uid": sandbox.uid}), flush=True)
        base = sandbox._site.base
        for job in asked["jobs"]:
            before = set(processes.of_user(os.getuid()))
            bot = job["bot"].replace("OTHER", str(other._work)).encode()
            sandbox.place({"bot.py": bot, "model.json": b"{}"})
            found = done(sandbox, job)
            found["alive"] = alive(sandbox.uid, before)
            found["unchanged"] = (sandbox._work / "bot.py").read_bytes() == bot
            print(json.dumps(found), flush=True)
    found = [path.name for path in base.iterdir() if path.name != "lib"]
    print(json.dumps({"left": found}), flush=True)


if __name__ == "__main__":
    main()
