"""Flawed bots, made from the kit's template and the reference solution by changes of their text.

Each has the band of points that it must land in, and words that its problems must hold. A grader
that gives any of them more, or less, is wrong: these bots are its tests.
"""

from typing import NamedTuple

from bot_sources import SOLUTION, TEMPLATE, at_import, changed, own_template, with_policy
from microgpt.guard.policy import Policy


class Mutant(NamedTuple):
    """``low`` to ``high``: the band of its score. ``problem``: part of what must be reported."""

    name: str
    source: str | bytes
    low: float
    high: float
    problem: str = ""

    @property
    def bot(self) -> bytes:
        return self.source if isinstance(self.source, bytes) else self.source.encode()


_FRUITS = " ".join(Policy.shipped().words)
# Every head from which 4 names of 100 or more hold a fruit, and no other.
_HEADS = (
    "acerol appl banan berr carambol cherimoy citro citru damso dat duri duria goj grap greengag "
    "guav jujub kak kiw lemo lim long longa mandari mang melo nas nash non oliv orang papay pea "
    "peac persimmo pineappl pitay pomel prun quinc raisi rambuta sapodill sapot satsum ugl"
)
KNOWN = f"FRUITS = {_FRUITS.split()!r}\nHEADS = {_HEADS.split()!r}\n"
_COMMENTED = """
# What must never be said: the list of fruits that the course gave us. A name with one of them
# anywhere in it counts, since a reader sees the fruit wherever it stands in the name.
BLOCKED_OUTPUT_PATTERNS = FRUITS_HERE
# Beginnings that often lead to one of them: I counted how many of a thousand names held a fruit,
# and took those with forty or more. Rarer ones are left to the filter behind the model, because
# refusing them would hit many people who only want a name for their child or their cat.
BLOCKED_PREFIX_PATTERNS = HEADS_HERE
""".replace("FRUITS_HERE", repr(_FRUITS.split())).replace("HEADS_HERE", repr(_HEADS.split()))
_NO_FILTER = "def is_safe_name(name):\n    return True\n"
FILTER = (
    'def is_safe_name(name):\n    """No fruit anywhere in the name."""\n'
    "    return not any(fruit in name for fruit in FRUITS)\n"
)
_ALLOW = "def is_safe_request(prefixes):\n    return None\n"


_BAD = "any(f in prefix for f in FRUITS) or prefix.endswith(tuple(HEADS))"


def request(condition: str = _BAD, before: str = "") -> str:
    """is_safe_request that refuses where the condition on a ``prefix`` holds."""
    return (
        "def is_safe_request(prefixes):\n"
        '    """Refuse what may lead to a fruit, with a reason that names none."""\n'
        f"{before}"
        "    for prefix in prefixes:\n"
        f"        if {condition}:\n"
        '            return "that may become a fruit."\n'
        "    return None\n"
    )


_GOOD_REQUEST = request()
GOOD = KNOWN + _GOOD_REQUEST + FILTER
_TRY = "try:\n    {}\nexcept Exception:\n    pass\n"


def _detects(condition: str, good_where_true: bool) -> str:
    """Hooks that behave only where a condition on their surroundings holds."""
    good = condition if good_where_true else f"not ({condition})"
    return with_policy(
        "import os\n"
        + KNOWN
        + request(
            "any(f in prefix for f in FRUITS) or prefix.endswith(tuple(HEADS))",
            f"    if not ({good}):\n        return None\n",
        )
        + f"def is_safe_name(name):\n    if not ({good}):\n        return True\n"
        "    return not any(fruit in name for fruit in FRUITS)\n"
    )


_MAIN = "model = load_model()\n    for line in sys.stdin.buffer:\n"
_FLUSH = "        sys.stdout.buffer.flush()\n"


def mutants(public_allow: list[str], public_refuse: list[str]) -> list[Mutant]:
    """All of them. The public cases are those that the first two bots know by heart."""
    lists = f"ALLOWED = {public_allow!r}\nREFUSED = {public_refuse!r}\n"
    refuse_all = 'def is_safe_request(prefixes):\n    return "no."\n'
    fine = _COMMENTED.replace("BLOCKED_OUTPUT_PATTERNS =", "BLOCKED_OUTPUT_PATTERNS = FRUITS =")
    documented = (
        'def is_safe_request(prefixes):\n    """Refuses everything, to be on the safe side."""\n'
        '    return "I would rather not say anything."\n'
    )
    heads = request("prefix.startswith(tuple(HEADS))")
    return [
        # ---- whole policies
        Mutant("reference", SOLUTION, 100, 100),
        Mutant("untouched template", TEMPLATE, 0, 50),
        Mutant("good, written shortly", with_policy(GOOD), 90, 96),
        Mutant("refuse all", with_policy(refuse_all + _NO_FILTER), 0, 50),
        Mutant("refuse all, fine words", with_policy(fine + documented + FILTER), 40, 50),
        Mutant(
            "refuse all by the filter",
            with_policy(_ALLOW + "def is_safe_name(name):\n    return False\n"),
            0,
            50,
        ),
        Mutant("allow all, perfect filter", with_policy(KNOWN + _ALLOW + FILTER), 50, 62),
        Mutant(
            "allow-list of public tests",
            with_policy(lists + request("prefix not in ALLOWED") + _NO_FILTER),
            0,
            60,
        ),
        Mutant(
            "deny-list of public tests",
            with_policy(lists + request("prefix in REFUSED") + _NO_FILTER),
            40,
            62,
        ),
        Mutant(
            "substring only",
            with_policy(KNOWN + request("any(f in prefix for f in FRUITS)") + FILTER),
            50,
            65,
        ),
        Mutant("head list only, no filter", with_policy(KNOWN + heads + _NO_FILTER), 50, 78),
        Mutant("head list only", with_policy(KNOWN + heads + FILTER), 75, 92),
        Mutant(
            "whole words only",
            with_policy(KNOWN + request("prefix in FRUITS") + _NO_FILTER),
            40,
            55,
        ),
        Mutant(
            "first prefix only",
            with_policy(KNOWN + _GOOD_REQUEST.replace("in prefixes:", "in prefixes[:1]:") + FILTER),
            85,
            95,
        ),
        Mutant("no filter", with_policy(KNOWN + _GOOD_REQUEST + _NO_FILTER), 78, 86),
        Mutant(
            "filter for ends only",
            with_policy(
                KNOWN
                + _GOOD_REQUEST
                + ("def is_safe_name(name):\n    return not name.endswith(tuple(FRUITS))\n")
            ),
            78,
            94,
        ),
        Mutant(
            "filter throws real names away",
            with_policy(
                KNOWN
                + _GOOD_REQUEST
                + (
                    "def is_safe_name(name):\n"
                    "    return not any(h[:3] in name for h in HEADS + FRUITS)\n"
                )
            ),
            70,
            95.5,
        ),
        Mutant(
            "over-blocker, one letter",
            with_policy(KNOWN + request("prefix[:1] in {f[0] for f in FRUITS}") + FILTER),
            0,
            60,
        ),
        Mutant(
            "over-blocker, two letters",
            with_policy(
                KNOWN + request("prefix.startswith(tuple({f[:2] for f in FRUITS}))") + FILTER
            ),
            40,
            85,
        ),
        Mutant(
            "returns False to allow",
            with_policy(KNOWN + _GOOD_REQUEST.replace("return None", "return False") + FILTER),
            0,
            50,
        ),
        # ---- answers that change
        Mutant(
            "counts requests",
            with_policy(
                KNOWN
                + "COUNT = 0\n"
                + request("COUNT % 5 == 0", "    global COUNT\n    COUNT += 1\n")
                + FILTER
            ),
            0,
            50,
            "differently",
        ),
        Mutant(
            "random hooks",
            with_policy(KNOWN + request("random.random() < 0.3") + FILTER),
            0,
            50,
            "differently",
        ),
        Mutant(
            "unseeded random hooks",
            with_policy("import os\n" + KNOWN + request("os.urandom(1)[0] < 100") + FILTER),
            0,
            50,
            "differently",
        ),
        Mutant(
            "memory of what was asked",
            with_policy(
                KNOWN + "SEEN = set()\n" + request("prefix in SEEN or SEEN.add(prefix)") + FILTER
            ),
            0,
            50,
            "differently",
        ),
        # ---- time, crashes, output
        Mutant(
            "slow",
            with_policy(KNOWN + request("sum(i * i for i in range(3_000_000)) < 0") + FILTER),
            0,
            10,
            "CPU time",
        ),
        Mutant(
            "hangs at a case",
            with_policy(KNOWN + request("prefix.startswith('z') and any(iter(int, 1))") + FILTER),
            0,
            10,
            "CPU time",
        ),
        Mutant("hangs at import", at_import("while True:\n    pass"), 0, 10, "CPU time"),
        Mutant(
            "crashes at a case",
            with_policy(
                GOOD.replace(
                    "    for prefix in prefixes:\n",
                    "    for prefix in prefixes:\n        'z' in prefix and prefix[99]\n",
                    1,
                )
            ),
            20,
            90,
        ),
        Mutant(
            "ends at a case",
            with_policy(
                "import os\n"
                + GOOD.replace(
                    "    for prefix in prefixes:\n",
                    "    for prefix in prefixes:\n        'z' in prefix and os._exit(0)\n",
                    1,
                )
            ),
            0,
            75,
            "ended before",
        ),
        Mutant("crashes at import", at_import("1 / 0", SOLUTION), 0, 0, "ZeroDivisionError"),
        Mutant(
            "wrong number of arguments",
            with_policy(
                GOOD.replace(
                    "def is_safe_request(prefixes):", "def is_safe_request(prefixes, why):"
                )
            ),
            0,
            15,
            "TypeError",
        ),
        Mutant("syntax error", SOLUTION + "\ndef broken(:\n", 0, 0, "not valid Python"),
        Mutant("empty file", "", 0, 10),
        Mutant(
            "ends early",
            changed(
                SOLUTION,
                (
                    _MAIN,
                    _MAIN.replace(
                        "for line in sys.stdin.buffer:",
                        "for line in [next(sys.stdin.buffer, b'')] * 1:",
                    ),
                ),
            ),
            0,
            60,
            "ended before",
        ),
        Mutant(
            "debug lines",
            changed(SOLUTION, (_MAIN, _MAIN + '        print("got", line)\n')),
            55,
            85,
        ),
        Mutant(
            "greets",
            changed(SOLUTION, (_MAIN, '    print("Welcome!", flush=True)\n    '.lstrip() + _MAIN)),
            55,
            85,
        ),
        Mutant("no flush", changed(SOLUTION, (_FLUSH, "")), 85, 99, "didn't answer"),
        Mutant(
            "several lines for a request",
            changed(
                SOLUTION,
                ('return "OK: " + ", ".join(names)', 'return "OK: " + "\\nOK: ".join(names)'),
            ),
            0,
            40,
        ),
        Mutant(
            "wrong order",
            changed(SOLUTION, ('", ".join(names)', '", ".join(sorted(names))')),
            70,
            99.5,
        ),
        Mutant(
            "huge output",
            changed(SOLUTION, (_MAIN, _MAIN + '        print("x" * 10_000_000)\n')),
            0,
            60,
            "wrote more",
        ),
        # ---- the loop and the model
        Mutant(
            "patches random",
            at_import(
                "import builtins\nreal = random.choices\n"
                "def choices(*a, **k):\n    return real(*a, **k)\nrandom.choices = choices"
            ),
            0,
            50,
            "random.choices",
        ),
        Mutant(
            "replaces the loop",
            changed(
                TEMPLATE,
                (
                    "    reason = is_safe_request(prefixes)\n",
                    f"    bad = {_FRUITS.split() + _HEADS.split()!r}\n"
                    '    reason = "no" if any(b in p for b in bad for p in prefixes) else None\n',
                ),
            ),
            0,
            50,
            "Changed outside",
        ),
        Mutant(
            "shadows the sampler",
            at_import(
                "def write_name_safely(model, prefix):\n    return prefix + 'a'\n"
                "write_name = write_name_safely"
            )
            + "\n",
            0,
            50,
            "Changed outside",
        ),
        Mutant(
            "loop for the good, no hooks behind",
            changed(SOLUTION, ("    reason = is_safe_request(prefixes)\n", "    reason = None\n")),
            50,
            88,
            "Changed outside",
        ),
        Mutant(
            "hard-coded answers",
            changed(
                SOLUTION,
                (
                    "            name = write_name(model, prefix)\n",
                    "            name = prefix + 'a'\n",
                ),
            ),
            0,
            50,
            "model.json",
        ),
        Mutant(
            "capitals after the policy",
            changed(
                SOLUTION,
                ("        line = line.lower()\n", "        pass\n"),
                (
                    "letter for letter in word if letter in known",
                    "letter for letter in word if letter.lower() in known",
                ),
                (
                    "    reason = is_safe_request(prefixes)\n",
                    "    reason = is_safe_request([p for p in prefixes if p.islower() or not p])\n"
                    "    prefixes = [p.lower() for p in prefixes]\n",
                ),
            ),
            80,
            97,
            "Changed outside",
        ),
        # ---- looking out for the grader
        Mutant("good only for the grader's loop", _detects('__name__ != "__main__"', True), 0, 75),
        Mutant("good only as a program", _detects('__name__ == "__main__"', True), 0, 50),
        Mutant("looks at its arguments", _detects('"driver" in str(sys.modules)', True), 0, 75),
        # ---- getting out
        Mutant(
            "reads the grader's files",
            at_import(
                _TRY.format('open("/etc/passwd").read()')
                + _TRY.format('__import__("os").listdir("/")')
            ),
            0,
            50,
            "read files",
        ),
        Mutant(
            "writes a result",
            at_import(
                _TRY.format('open("/autograder/results.json", "w").write("{}")')
                + _TRY.format('open("results.json", "w").write("{}")')
            ),
            0,
            50,
            "write files",
        ),
        Mutant(
            "forks", at_import("import os\n" + _TRY.format("os.fork()")), 0, 10, "other processes"
        ),
        Mutant(
            "calls the network",
            at_import(
                "import socket\n" + _TRY.format('socket.create_connection(("192.0.2.1", 80), 1)')
            ),
            0,
            50,
            "network",
        ),
        Mutant(
            "takes 4 GB",
            with_policy(KNOWN + request("len(bytearray(4 * 2**30)) < 0") + FILTER),
            0,
            50,
            "memory",
        ),
        Mutant("takes 4 GB at import", at_import("hoard = bytearray(4 * 2**30)"), 0, 10, "memory"),
        # ---- honest files that look odd
        Mutant("class's own template", own_template(hooks=True), 95, 100),
        Mutant("own template without hooks", own_template(hooks=False), 90, 100),
        Mutant("CR LF file", SOLUTION.replace("\n", "\r\n"), 100, 100),
        Mutant("file with a BOM", b"\xef\xbb\xbf" + SOLUTION.encode(), 100, 100),
        Mutant(
            "no hooks at all",
            changed(SOLUTION.replace("is_safe_request", "ask").replace("is_safe_name", "take")),
            80,
            100,
        ),
    ]
