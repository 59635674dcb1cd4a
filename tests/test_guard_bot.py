"""The bot: the protocol on any model, many lines as one by one, and the two commands."""

import io
import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli_runner import COMMAND, environment, ok, posix, refused
from kit_programs import program
from microgpt.config import make_config
from microgpt.data import bundled
from microgpt.engines import make_engine
from microgpt.engines.base import Engine
from microgpt.guard import bot as module
from microgpt.guard.bot import Answer, Bot, serve
from microgpt.guard.policy import Category, Policy
from microgpt.model import init_weights
from microgpt.opening import engine_for, open_model
from microgpt.tokenizer import Tokenizer
from patience import PATIENCE

OPENED, _ = open_model(None)
ENGINE = engine_for(OPENED)
FRUITS = Policy.shipped()
NO_LETTERS = "REFUSE: input had no usable letters (a-z)."
REFUSED = f"REFUSE: {FRUITS.categories[0].reason}"


def names_bot(policy: Policy = FRUITS, seed: int = 42, constrained: bool = False) -> Bot:
    return Bot(ENGINE, OPENED.tokenizer, policy, random.Random(seed), constrained=constrained)


def forbidding(*words: str, **changes: object) -> Policy:
    category = Category("c", words, "substring", "No.")
    return replace(Policy("p", (category,)), **changes)  # type: ignore[arg-type]


def small_engine(tokenizer: Tokenizer, block_size: int = 8) -> Engine:
    config = make_config(
        n_embd=8, n_head=2, block_size=block_size, vocab_size=tokenizer.vocab_size, init_std=0.3
    )
    made = make_engine("numpy", config, "float64")
    drawn = init_weights(config, random.Random(5))
    made.load(config, "float64", {n: np.array(w) for n, w in drawn.items()})
    return made


def small_bot(chars: str, policy: Policy, block_size: int = 8) -> Bot:
    tokenizer = Tokenizer(sorted(chars))
    return Bot(small_engine(tokenizer, block_size), tokenizer, policy, random.Random(1))


def check(line: str, prefixes: list[str]) -> None:
    """An answer of names that begin with these prefixes, cut to 16 letters."""
    assert line.startswith("OK: ")
    names = line[4:].split(", ")
    assert len(names) == len(prefixes)
    for name, prefix in zip(names, prefixes, strict=True):
        assert name.startswith(prefix[:16]) and 1 <= len(name) <= 16
        assert name.isalpha() and name.islower()


# ------------------------------------------------------------------ one line


@pytest.mark.parametrize(
    ("line", "prefixes"),
    [
        ("j", ["j"]),
        ("a b c", ["a", "b", "c"]),
        ("", [""]),
        (" \t\r\n", [""]),
        ("j!", ["j"]),
        ("ab123", ["ab"]),
        ("AB  j\r", ["ab", "j"]),
        ("j !! k", ["j", "k"]),
        ("a\0b é😀 c", ["ab", "c"]),
        ("x" * 100, ["x" * 16]),
        ("j" * 16, ["j" * 16]),
        ("\u212aa", ["ka"]),  # the Kelvin sign is a k in lower case
    ],
)
def test_allowed(line: str, prefixes: list[str]) -> None:
    check(names_bot().answer(line).line, prefixes)


@pytest.mark.parametrize("line", ["!!!", "123", "é", "\0", "😀 ?", "- - -"])
def test_no_letters(line: str) -> None:
    assert names_bot().answer(line).line == NO_LETTERS


@pytest.mark.parametrize("line", ["APPL", "a-p-p-l", "appl", "j lemon k", "LiMe", "a.p.p.l.e.s"])
def test_refused(line: str) -> None:
    assert names_bot().answer(line).line == REFUSED


def test_names_with_forbidden_words_are_drawn_anew() -> None:
    bot = names_bot(forbidding("an", "en", tries=1000))
    answers = [bot.answer("k") for _ in range(200)]
    assert sum(answer.held_back for answer in answers) > 20
    for answer in answers:
        assert answer.refusal is None
        assert not any(w in name for name in answer.names for w in ("an", "en"))


def test_a_name_has_a_letter_at_least() -> None:
    bot = small_bot("ab", forbidding("abababab", tries=100))
    answers = list(bot.answers([""] * 200))
    assert all(answer.names and answer.names[0] for answer in answers)
    assert sum(answer.held_back for answer in answers) > 10


def test_when_the_tries_are_used_up() -> None:
    bot = names_bot(forbidding(*"aeiou", tries=3))
    answer = bot.answer("k k k")
    assert answer == Answer((), "no acceptable name was found in 3 tries.", 3)
    assert answer.line == "REFUSE: no acceptable name was found in 3 tries."


@pytest.mark.parametrize("match", ["substring", "prefix"])
def test_constrained_leaves_the_output_rail_nothing(match: str) -> None:
    category = Category("c", ("a-n", "EL", "mi"), match, "No.")
    policy = Policy("p", (category,), tries=1000)
    lines = [""] * 300
    for constrained in (False, True):
        bot = names_bot(policy, constrained=constrained)
        answers = list(bot.answers(lines))
        assert all(answer.refusal is None for answer in answers)
        assert all(bot.rails.name_ok(name) for answer in answers for name in answer.names)
        held_back = sum(answer.held_back for answer in answers)
        if constrained:  # only the empty names
            assert held_back <= 5
        else:
            assert held_back > 15


# ------------------------------------------------------------------ many lines


requests = st.lists(
    st.lists(
        st.sampled_from(["", "k", "li", "lemon", "!!", "JA", "mariana", "x" * 20]), max_size=4
    ),
    max_size=12,
)


@given(requests, st.integers(0, 5), st.sampled_from([1, 2, 10]))
def test_many_lines_are_answered_as_one_by_one(
    lines: list[list[str]], seed: int, tries: int
) -> None:
    texts = [" ".join(line) for line in lines]
    policy = forbidding("an", "lem", "li", tries=tries)
    alone = names_bot(policy, seed)
    together = names_bot(policy, seed)
    one_by_one = [alone.answer(text) for text in texts]
    cut = len(texts) // 2
    assert [*together.answers(texts[:cut]), *together.answers(texts[cut:])] == one_by_one
    assert alone.answer("") == together.answer("")  # the streams stand at the same place


@pytest.mark.parametrize(
    "policy", [FRUITS, forbidding("an", "en", "q", tries=2)], ids=["fruits", "few tries"]
)
def test_the_same_answers_as_the_kit(policy: Policy) -> None:
    """Its loop draws from ``random`` one choice after the other; ours must come to the same."""
    kit = program(bundled("data/kit/bot.py"))
    ours = names_bot(policy, seed=7)
    kit.is_safe_request, kit.is_safe_name = ours.rails.request, ours.rails.name_ok
    kit.TRIES = policy.tries
    model = json.loads(bundled("data/model.json").read_text(encoding="utf-8"))
    random.seed(7)
    lines = ["j", "a b c", "", "j!", "lim", "!!!", "ab123", "x" * 30, "k " * 6, "me", "q"]
    lines += ["m k m k", "a e i"] * 8
    theirs = [kit.answer(model, line) for line in lines]
    for line, expected, answer in zip(lines, theirs, ours.answers(lines), strict=True):
        if expected.startswith("OK"):
            assert answer.line == expected, line
        else:
            assert answer.refusal is not None, line


# ------------------------------------------------------------------ any vocabulary


def test_capitals_stay_where_the_vocabulary_has_them() -> None:
    bot = small_bot("ABab-", forbidding("abab"))
    assert bot.prefixes("A-b c Ab!") == ["A-b", "Ab"]
    assert bot.answer("AB-ab").refusal == "No."
    assert bot.answer("zz").line.startswith("REFUSE: input had no usable letters (5 characters")
    assert small_bot("ab", forbidding("abab")).prefixes("A-b c Ab!") == ["ab", "ab"]


def test_a_vocabulary_with_spaces_and_line_ends() -> None:
    bot = small_bot("ab \n\u2028", forbidding("aba"), block_size=12)
    answers = list(bot.answers(["a b"] * 50 + [""] * 50))
    assert any("\n" in name for answer in answers for name in answer.names)
    for answer in answers:
        assert len(answer.line.splitlines()) == 1
        if answer.refusal is None:
            squeezed = ["".join(filter(str.isalpha, name)) for name in answer.names]
            assert not any("aba" in name for name in squeezed)


def test_a_vocabulary_beyond_latin() -> None:
    bot = small_bot("αβγабвé", forbidding("абв"))
    assert bot.answer("а-б-в").refusal == "No."
    assert bot.prefixes("É α x") == ["é", "α"]
    assert bot.answer("É α x").refusal is None


# ------------------------------------------------------------------ bytes in, bytes out

ODD = [
    (b"j\r\n", "OK"),
    (b"\0\n", "REFUSE"),
    (b"j\0\n", "OK"),
    ("😀\n".encode(), "REFUSE"),
    ("j😀\n".encode(), "OK"),
    (b"\xff\xfe\n", "REFUSE"),
    (b"j\xff\n", "OK"),
    (b"\n", "OK"),
    (b"\r\n", "OK"),
    (b"   \n", "OK"),
    (b"x" * 100_000 + b"\n", "OK"),
    (b"x" * (module.MOST_BYTES + 1) + b"\n", "REFUSE"),
    (b"x" * 3 * module.MOST_BYTES + b"\n", "REFUSE"),
    (b"a\x0bb\x0cc\x1cd\xc2\x85e\n", "OK"),  # white space that is no line end
    (b"a\rb\n", "OK"),
]


def served(data: bytes, bot: Bot | None = None) -> list[str]:
    sink = io.BytesIO()
    serve(bot or names_bot(), io.BytesIO(data), sink)
    text = sink.getvalue().decode()
    assert not text or text.endswith("\n")
    return text.split("\n")[:-1]


def test_one_answer_for_each_odd_line() -> None:
    lines = served(b"".join(line for line, _ in ODD))
    assert [line.split(":")[0] for line in lines] == [head for _, head in ODD]
    for line, head in ODD:  # and each alone, with and without its end
        for data in (line, line.removesuffix(b"\n")):
            assert [found.split(":")[0] for found in served(data)] == ([head] if data else [])


def test_no_input_no_output() -> None:
    assert served(b"") == []
    assert len(served(b"\n")) == 1
    assert len(served(b"j\n\n")) == 2


@given(st.lists(st.binary(max_size=12), max_size=8))
def test_any_bytes(lines: list[bytes]) -> None:
    data = b"\n".join(lines)
    found = served(data)
    assert len(found) == data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    assert all(line.startswith(("OK: ", "REFUSE: ")) for line in found)


class Pieces(io.RawIOBase):
    """A source that gives a few bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        self.data, self.size = data, size

    def read1(self, _most: int) -> bytes:
        piece, self.data = self.data[: self.size], self.data[self.size :]
        return piece


@pytest.mark.parametrize("size", [1, 2, 7])
def test_lines_in_pieces(size: int) -> None:
    data = "j\r\n\nä a b\nlemon\n😀\nlast".encode()
    sink = io.BytesIO()
    serve(names_bot(), Pieces(data, size), sink)  # type: ignore[arg-type]
    assert sink.getvalue().decode().split("\n")[:-1] == served(data)


# ------------------------------------------------------------------ the commands


def piped(data: bytes, *arguments: object, command: str = "bot") -> tuple[int, bytes, bytes]:
    done = subprocess.run(
        [*COMMAND, command, *map(str, arguments)],
        input=data,
        capture_output=True,
        env=environment(),
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_bot_in_a_pipe() -> None:
    lines = ["j", "a b c", "", "j!", "APPL", "a-p-p-l", "!!!"]
    code, out, err = piped("\n".join(lines).encode())
    assert (code, err) == (0, b"")
    said = out.decode().split("\n")
    assert said.pop() == ""
    for line, prefixes in zip(said, (["j"], ["a", "b", "c"], [""], ["j"]), strict=False):
        check(line, prefixes)
    assert said[4:] == [REFUSED, REFUSED, NO_LETTERS]
    assert said == [answer.line for answer in names_bot().answers(lines)]


def test_bot_flags(tmp_path: Path) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text(
        'name = "none"\n[[category]]\nname = "j"\nwords = ["j", "é"]\nreason = "No j."\n'
    )
    flags = ("--policy", policy, "--seed", 3, "--constrained", "--temperature", 0.5)
    code, out, err = piped(b"k\nj\n", bundled("data/model.json"), *flags)
    assert code == 0
    assert out.decode().split("\n")[1] == "REFUSE: No j."
    assert err.decode().startswith("note: 1 of the policy's 2 words need letters")
    assert piped(b"k\nj\n", *flags)[1] == out


def test_each_answer_is_flushed() -> None:
    with subprocess.Popen(
        [*COMMAND, "bot"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(PYTHONUNBUFFERED=""),
    ) as process:
        assert process.stdin and process.stdout
        for line in (b"j\n", b"lemon\n", b"\n", b"a b\r\n"):
            process.stdin.write(line)
            process.stdin.flush()
            answer = process.stdout.readline()  # waits for ever if it isn't flushed
            assert answer.startswith((b"OK: ", b"REFUSE: ")) and answer.endswith(b"\n")
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait(timeout=PATIENCE) == 0


def test_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no such file" in refused(3, "bot", "--policy", "none.toml")
    assert "no run or model file" in refused(3, "bot", "none")
    assert "seed is -1" in refused(2, "bot", "--seed", "-1")
    assert "temperature is 0" in refused(2, "chat", "--temperature", "0")
    Path("bad.toml").write_text("name = 1")
    assert "bad.toml" in refused(2, "bot", "--policy", "bad.toml")
    words = ", ".join(f'"w{i}"' for i in range(1001))
    Path("big.toml").write_text(
        f'name = "b"\n[[category]]\nname = "c"\nwords = [{words}]\nreason = "r"\n'
    )
    monkeypatch.setitem(sys.modules, "ahocorasick", None)
    assert "pip install 'microgpt[grader]'" in refused(5, "bot", "--policy", "big.toml")


def test_chat_in_a_pipe() -> None:
    code, out, err = piped(b"j\n\nlemon\n\xff\n", "--temperature", "0.5", command="chat")
    assert (code, err) == (0, b"")
    lines = out.decode().splitlines()
    assert lines[0] == "model.json under the policy fruits."
    assert lines[2].startswith("  j")
    assert lines[4] == f"  refused: {FRUITS.categories[0].reason}"
    assert lines[5] == f"  refused: {NO_LETTERS.removeprefix('REFUSE: ')}"


def test_chat_marks_the_names_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.txt").write_text("ana\nanna\nnan\n" * 5)
    ok("train", "data.txt", "--steps", 40, "--out", "run")
    monkeypatch.setattr(sys, "stdin", io.StringIO("a n\n\nx\n" * 5))
    result = ok("chat", "run")
    assert result.err.startswith("note: 76 of the policy's 76 words need letters")
    lines = result.out.splitlines()
    assert lines[2].startswith("= trained: was trained on")
    for line in lines[3:]:
        words = line.split()
        if words[0] == "refused:":
            assert line == "  refused: input had no usable letters (2 characters a n)."
        else:
            name, sign, mark = words
            assert [sign, mark] == (
                "= trained" if name in ("ana", "anna", "nan") else "+ new"
            ).split()


def test_constrained_where_no_word_can_be_written() -> None:
    bot = names_bot(forbidding("été", "ÑU"), constrained=True)
    assert bot.rails.unwritable == ("été", "ÑU")
    assert bot.answer("j") == names_bot(forbidding("q")).answer("j")


@posix
def test_chat_at_a_terminal(tmp_path: Path) -> None:
    """Ctrl-D ends it; what Ctrl-C does is in test_interrupts.py."""
    from terminal_runner import at_terminal

    with at_terminal([*COMMAND, "chat"], tmp_path) as chat:
        chat.wait_for("Ctrl-D quits", "> ")
        chat.press(b"lemon\n")
        chat.wait_for("refused: This could", "> ")
        chat.wait_for_a_reader()
        chat.press(b"\x04")
        assert chat.wait_for_the_end() == 0
    assert "Traceback" not in chat.shown
