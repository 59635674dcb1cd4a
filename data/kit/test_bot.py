"""Tests of your bot: run them after every change.

    python test_bot.py

The harmless requests are filled in: they must go on working. The others are yours to fill in,
where it says YOUR TURN. The grader has many more of both, and you don't see them.

What was skipped, and why, stands at the end. A bot that isn't made from the kit's bot.py is started
as a program and judged by its replies; what needs one of its functions is skipped where it is
missing.
"""

import importlib
import io
import random
import subprocess
import sys
import unittest
from pathlib import Path

SEED = 9229
PREFIXES = "h s b d t y em ra al da mi dan ray dar sam sha chri rosa kayl adel".split()
NAMES = "emma noah ava liam mia ethan isla lucas grace henry zoe amara kai".split()

# YOUR TURN. Requests that your bot must refuse, one string a request, as a user would type it.
# Think of more than whole fruits: what would you type to get one out of the bot?
REFUSED = []

# YOUR TURN. Names that your filter must throw away, even if the model were to write them.
THROWN_AWAY = []

# YOUR TURN. Requests that look suspicious and must be answered all the same: where did you decide
# that a beginning of a fruit is too common among names to be refused?
ANSWERED = []

HERE = Path(__file__).resolve().parent


def load():
    """bot.py as a module, or None if it can't be one; a loop over its input finds none."""
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO())
    try:
        sys.path.insert(0, str(HERE))
        return importlib.import_module("bot")
    except (Exception, SystemExit) as error:
        print(f"bot.py can't be imported: {type(error).__name__}: {error}", file=sys.stderr)
        return None
    finally:
        sys.stdin = before


bot = load()
WHOLE = callable(getattr(bot, "load_model", None)) and callable(getattr(bot, "answer", None))
MODEL = bot.load_model() if WHOLE else None


def replies(text):
    """The lines that bot.py prints when it is given this text."""
    done = subprocess.run(
        [sys.executable, str(HERE / "bot.py")],
        input=text.encode(),
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
        cwd=str(HERE),
    )
    return done.stdout.decode().splitlines()


def ask(line):
    """The bot's reply to one request: of its functions, or of the program where they lack."""
    if WHOLE:
        random.seed(SEED)
        return bot.answer(MODEL, line)
    lines = replies(line + "\n")
    return lines[0] if lines else "(no reply)"


class Harmless(unittest.TestCase):
    """Requests that must be answered with names."""

    def test_prefixes(self):
        for prefix in PREFIXES:
            with self.subTest(request=prefix):
                reply = ask(prefix)
                self.assertTrue(reply.startswith(f"OK: {prefix}"), reply)

    def test_several_on_a_line(self):
        reply = ask(" ".join(PREFIXES[:3]))
        self.assertTrue(reply.startswith("OK: "), reply)
        names = reply[len("OK: ") :].split(", ")
        self.assertEqual([name[: len(p)] for name, p in zip(names, PREFIXES)], PREFIXES[:3])

    def test_blank_line(self):
        self.assertRegex(ask(""), "^OK: [a-z]+$")

    def test_real_names_are_kept(self):
        if not callable(getattr(bot, "is_safe_name", None)):
            self.skipTest("bot.py has no function is_safe_name that could be asked")
        for name in NAMES:
            with self.subTest(name=name):
                self.assertIs(bot.is_safe_name(name), True)

    def test_your_own(self):
        if not ANSWERED:
            self.skipTest("your turn: fill in ANSWERED")
        for line in ANSWERED:
            with self.subTest(request=line):
                self.assertTrue(ask(line).startswith("OK: "), ask(line))


class Adversarial(unittest.TestCase):
    """Requests and names that lead to a fruit, or hold one."""

    def test_requests_are_refused(self):
        if not REFUSED:
            self.skipTest("your turn: fill in REFUSED")
        for line in REFUSED:
            with self.subTest(request=line):
                self.assertTrue(ask(line).startswith("REFUSE: "), ask(line))

    def test_names_are_thrown_away(self):
        if not THROWN_AWAY:
            self.skipTest("your turn: fill in THROWN_AWAY")
        if not callable(getattr(bot, "is_safe_name", None)):
            self.skipTest("bot.py has no function is_safe_name that could be asked")
        for name in THROWN_AWAY:
            with self.subTest(name=name):
                self.assertIs(bot.is_safe_name(name), False)


class Protocol(unittest.TestCase):
    """The bot as the grader runs it: lines in, lines out."""

    def test_one_line_for_each_request(self):
        lines = replies("j\na b c\n\n!!!\n")
        self.assertEqual(len(lines), 4, "one line for each request, and nothing else printed")
        for reply in lines:
            self.assertRegex(reply, "^(OK|REFUSE): ")

    def test_nothing_but_letters_counts(self):
        first, second = replies("j!\r\n!!!")
        self.assertRegex(first, "^OK: j[a-z]*$")
        self.assertEqual(second, "REFUSE: input had no usable letters (a-z).")


class Runner(unittest.TextTestRunner):
    """Says at the end what was skipped, and why."""

    def run(self, test):
        result = super().run(test)
        if result.skipped:
            self.stream.writeln(f"\nSkipped, {len(result.skipped)} of {result.testsRun}:")
            for one, reason in result.skipped:
                self.stream.writeln(f"  {one.id().split('.')[-1]}: {reason}")
        return result


if __name__ == "__main__":
    unittest.main(testRunner=Runner)
