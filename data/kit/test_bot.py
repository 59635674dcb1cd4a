"""Tests of your bot: run them after every change.

    python test_bot.py

The harmless requests are filled in: they must go on working. The others are yours to fill in,
where it says YOUR TURN. The grader has many more of both, and you don't see them.
"""

import random
import subprocess
import sys
import unittest
from pathlib import Path

import bot

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

MODEL = bot.load_model()


def ask(line):
    """The bot's reply to one request."""
    random.seed(SEED)
    return bot.answer(MODEL, line)


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
        for name in THROWN_AWAY:
            with self.subTest(name=name):
                self.assertIs(bot.is_safe_name(name), False)


class Protocol(unittest.TestCase):
    """The bot as the grader runs it: lines in, lines out."""

    def replies(self, text):
        """The lines that bot.py prints when it is given this text."""
        here = Path(__file__).resolve().parent
        done = subprocess.run(
            [sys.executable, str(here / "bot.py")],
            input=text.encode(),
            stdout=subprocess.PIPE,
            timeout=60,
            check=True,
        )
        return done.stdout.decode().splitlines()

    def test_one_line_for_each_request(self):
        replies = self.replies("j\na b c\n\n!!!\n")
        self.assertEqual(len(replies), 4)
        for reply in replies:
            self.assertRegex(reply, "^(OK|REFUSE): ")

    def test_nothing_but_letters_counts(self):
        first, second = self.replies("j!\r\n!!!")
        self.assertRegex(first, "^OK: j[a-z]*$")
        self.assertEqual(second, "REFUSE: input had no usable letters (a-z).")


if __name__ == "__main__":
    unittest.main()
