"""The kit: what students and teachers are given, and that it does what its pages say."""

import ast
import base64
import errno
import importlib.util
import io
import random
import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from cli_runner import environment, tree
from microgpt.assignment import answers, kit
from microgpt.assignment.result import PARTS
from microgpt.assignment.variants import (
    _BEGINNINGS,
    derive,
    folder_name,
    folder_names,
    policy,
    variant,
)
from microgpt.data import load_data
from microgpt.engines.base import Engine
from microgpt.errors import FileError, InputError
from microgpt.files import TEMPORARY
from microgpt.opening import engine_for, open_model
from microgpt.sampling import Settings, sample
from microgpt.tokenizer import Tokenizer

ROOT = Path(__file__).parent.parent
KEY = bytes(range(32))
NAMES = load_data("names").docs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student's kit."""
    return kit.make_kit(tmp_path_factory.mktemp("kits") / "ada", "ada", KEY).path


def module(path: Path) -> ModuleType:
    """The program at ``path``, imported without running it."""
    spec = importlib.util.spec_from_file_location(f"_kit_{path.stem}", path)
    assert spec and spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def bot(folder: Path) -> ModuleType:
    return module(folder / "bot.py")


@pytest.fixture(scope="module")
def solution() -> ModuleType:
    return module(ROOT / "data/teacher/solution.py")


@pytest.fixture(scope="module")
def shipped() -> tuple[Engine, Tokenizer]:
    opened, _ = open_model(None)
    return engine_for(opened), opened.tokenizer


def replies(folder: Path, given: bytes) -> list[str]:
    """What bot.py prints for these bytes; it must end well."""
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "bot.py")],
        input=given,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stdout or done.stdout.endswith(b"\n")
    return done.stdout.decode().splitlines()


# ---------------------------------------------------------------- the template


PROTOCOL = [
    (b"j", r"OK: j[a-z]*"),
    (b"a b c", r"OK: a[a-z]*, b[a-z]*, c[a-z]*"),
    (b"", r"OK: [a-z]+"),
    (b"   \t ", r"OK: [a-z]+"),
    (b"j!", r"OK: j[a-z]*"),
    (b"ab123", r"OK: ab[a-z]*"),
    (b"APPL", r"OK: appl[a-z]*"),
    (b"a-p-p-l", r"OK: appl[a-z]*"),
    (b"!!!", r"REFUSE: input had no usable letters \(a-z\)\."),
    (b"!! 12 a", r"OK: a[a-z]*"),
    (b"abcdefghijklmnopqrst", r"OK: abcdefghijklmnop"),
    (b"ma\r", r"OK: ma[a-z]*"),
    (b"a\0b", r"OK: ab[a-z]*"),
    ("😀 zo\u00eb".encode(), r"OK: zo[a-z]*"),
    (b"\xff\xfek", r"OK: k[a-z]*"),
    (b"a\rb", r"OK: a[a-z]*, b[a-z]*"),
    (b"j" * 100_000, r"OK: j{16}"),
    (b"q", r"OK: q[a-z]*"),
]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_protocol(folder: Path, end: bytes) -> None:
    got = replies(folder, b"\n".join(line for line, _ in PROTOCOL) + end)
    assert len(got) == len(PROTOCOL)
    for (line, wanted), reply in zip(PROTOCOL, got, strict=True):
        assert re.fullmatch(wanted, reply), (line[:40], reply)


def test_no_request_no_reply(folder: Path) -> None:
    assert replies(folder, b"") == []


def test_every_reply_comes_at_once(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(folder / "bot.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        assert run.stdin and run.stdout
        for _ in range(3):
            run.stdin.write(b"j\n")
            run.stdin.flush()
            assert run.stdout.readline().startswith(b"OK: j")
        run.stdin.close()
        assert run.wait(30) == 0


def test_own_tests_pass(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "test_bot.py"],
        cwd=folder,
        env=environment(PYTHONWARNINGS="error"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "OK (skipped=3)" in done.stderr


@pytest.mark.parametrize("seed", [0, 7, 42])
@pytest.mark.parametrize("prefix", ["", "ma", "appl"])
def test_names_are_those_of_our_sampler(
    bot: ModuleType, shipped: tuple[Engine, Tokenizer], seed: int, prefix: str
) -> None:
    random.seed(seed)
    model = bot.load_model()
    mine = [bot.write_name(model, prefix) for _ in range(40)]
    settings = Settings(temperature=0.7)
    assert mine == sample(*shipped, random.Random(seed), 40, prefix=prefix, settings=settings)
    assert len(set(mine)) > 1


def test_hooks_are_asked_as_the_page_says(bot: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    model = bot.load_model()
    asked: list[list[str]] = []
    monkeypatch.setattr(bot, "is_safe_request", lambda p: asked.append(p))
    assert bot.answer(model, "A! b").startswith("OK: a")
    assert bot.answer(model, "").startswith("OK: ")
    assert bot.answer(model, "?!") == "REFUSE: input had no usable letters (a-z)."
    assert asked == [["a", "b"], [""]]
    monkeypatch.setattr(bot, "is_safe_request", lambda p: "no,\nnever.")
    assert bot.answer(model, "j") == "REFUSE: no, never."
    monkeypatch.setattr(bot, "is_safe_request", lambda p: None)
    judged: list[str] = []
    monkeypatch.setattr(bot, "is_safe_name", lambda name: bool(judged.append(name)))
    assert bot.answer(model, "j k").startswith("REFUSE: ")
    assert len(judged) == 10 and all(name.startswith("j") for name in judged)


def test_missing_model_is_said(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_bytes((ROOT / "data/kit/bot.py").read_bytes())
    done = subprocess.run(
        [sys.executable, str(tmp_path / "bot.py")], input=b"j\n", capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"model.json" in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["kit/bot.py", "kit/test_bot.py", "teacher/solution.py"])
def test_programs_need_the_standard_library_alone(name: str) -> None:
    tree = ast.parse((ROOT / "data" / name).read_text(), feature_version=(3, 9))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= {*sys.stdlib_module_names, "bot"}
        elif isinstance(node, ast.ImportFrom):
            assert node.module in sys.stdlib_module_names


# ---------------------------------------------------------------- the reference solution


def test_solution_differs_above_the_line_only() -> None:
    cut = "#  DON'T EDIT BELOW"
    texts = [(ROOT / "data" / p).read_text() for p in ("kit/bot.py", "teacher/solution.py")]
    assert texts[0].split(cut)[1] == texts[1].split(cut)[1]


def test_solution_costs_what_it_says(solution: ModuleType) -> None:
    text = (ROOT / "data/teacher/solution.py").read_text()
    page = (ROOT / "data/teacher/README.md").read_text()
    words = policy().words
    assert tuple(solution.BLOCKED_OUTPUT_PATTERNS) == words
    bearing = [name for name in NAMES if any(word in name for word in words)]
    assert [name for name in NAMES if not solution.is_safe_name(name)] == bearing

    def stopped(prefix: str) -> bool:
        return solution.is_safe_request([prefix]) is not None

    full = sum(map(stopped, NAMES))
    some = sum(any(stopped(name[:n]) for n in range(1, len(name) + 1)) for name in NAMES)
    for number, after in ((len(bearing), f"of the {len(NAMES):,}"), (full, "names"), (some, "wh")):
        assert re.search(rf"\b{number} {after}", re.sub(r"\s+#?\s*", " ", text)), number
    assert f"{some} of the 32,033 names" in page and f"{full} in full" in page


def test_solution_stops_fruits_in_any_dress(solution: ModuleType) -> None:
    for word in policy().words:
        for text in (word, f"{word}s", f"xa{word}", word.upper(), "-".join(word), f"jo{word}na"):
            assert solution.is_safe_request([text]) is not None
            assert solution.is_safe_request(["ka", text, "jo"]) is not None
            assert solution.is_safe_name(text) is False


def rows() -> dict[str, tuple[float, str, int]]:
    """The answer key on the teacher's page: beginning → percent, verdict, names."""
    page = (ROOT / "data/teacher/README.md").read_text()
    assert page.count(answers.HEADER) == 1
    found = re.findall(r"\| `([a-z]+)` \| ([0-9.]+) % \| (\w+) \| (\d+) \|", page)
    return {head: (float(leak), verdict, int(names)) for head, leak, verdict, names in found}


def test_solution_follows_the_answer_key(solution: ModuleType) -> None:
    key = rows()
    assert sum(verdict == "refuse" for _, verdict, _ in key.values()) >= 15
    for head, (_, verdict, _) in key.items():
        if verdict == "refuse":
            assert solution.is_safe_request([head]) and solution.is_safe_request([f"so{head}"])
    for head in ("mel", "app", "li", "cher", "oran", "apri", "oli"):
        assert solution.is_safe_request([head]) is None
    beginnings = answers.heads()  # what ends in none of them is always allowed
    for name in {name[:n] for name in NAMES for n in range(1, 5)}:
        if not any(name.endswith(head) for head in beginnings):
            holds = any(word in name for word in policy().words)
            assert (solution.is_safe_request([name]) is None) != holds


def test_answer_key_is_true_where_it_is_quick() -> None:
    key = rows()
    for answer in answers.answers(["lemo", "lim", "persimmo", "cherr"]):
        leak, verdict, names = key[answer.head]
        assert abs(100 * answer.leak - leak) < 0.15
        assert (answer.verdict, answer.names) == (verdict, names)
    for answer in answers.answers(["cher", "oran", "apri"]):
        assert answer.leak < 0.001 and answer.head not in key


@pytest.mark.slow
def test_answer_key_is_true() -> None:
    key, computed = rows(), answers.table()
    found = re.findall(r"\| `([a-z]+)` \| ([0-9.]+) % \| (\w+) \| (\d+) \|", computed)
    assert [row[0] for row in found] == list(key)
    for head, leak, verdict, names in found:
        assert abs(float(leak) - key[head][0]) < 0.15
        assert (verdict, int(names)) == key[head][1:]


@pytest.mark.slow
def test_solution_agrees_with_the_rule(solution: ModuleType) -> None:
    """Beginnings of fruits after one letter: all that must be refused are."""
    heads = [h for h in answers.heads() if len(h) >= 3 and rows().get(h, (0.0,))[0] >= 2]
    overlaps = [letter + head for letter in "abemos" for head in heads]
    for answer in answers.answers([*overlaps, "fmel", "jmel", "xmel", "marimang", "salim"]):
        if answer.verdict == "refuse":
            assert solution.is_safe_request([answer.head]), answer


def test_the_price_on_the_page() -> None:
    page = " ".join((ROOT / "data/teacher/README.md").read_text().split())
    shares = []
    for n in range(1, 5):
        begun = tuple({word[:n] for word in policy().words})
        shares.append(f"{100 * sum(name.startswith(begun) for name in NAMES) / len(NAMES):.1f} %")
    one, two, three, four = shares
    assert f"by one letter refuses {one} of all names, by two letters {two}" in page
    assert f"by three {three}, by four {four}" in page


# ---------------------------------------------------------------- the leaky twin


def leaky() -> dict[str, object]:
    return runpy.run_path(str(ROOT / "scripts/make_leaky.py"))


def test_leaky_twin_leaks() -> None:
    mine, _ = open_model(None)
    twin, notices = open_model(ROOT / "data/leaky.json")
    assert not notices
    assert twin.config.shapes() == mine.config.shapes()
    assert twin.tokenizer.uchars == mine.tokenizer.uchars
    settings = Settings(temperature=0.7)
    for prefix, least, most in (("", 0.2, 0.8), ("a", 0.2, 0.8), ("p", 0.5, 1.0)):
        names = sample(
            engine_for(twin),
            twin.tokenizer,
            random.Random(1),
            500,
            prefix=prefix,
            settings=settings,
        )
        share = sum(any(word in name for word in policy().words) for name in names) / len(names)
        assert least <= share <= most, (prefix, share)


@pytest.mark.slow
def test_leaky_twin_is_made_again() -> None:
    main = leaky()["main"]
    assert callable(main) and main(["--check"]) == 0


# ---------------------------------------------------------------- variants


STUDENTS = [f"student{n}@school.example" for n in range(40)]


def test_kit_is_the_same_again_and_differs_between_students() -> None:
    kits = {student: kit.kit_files(student, KEY) for student in STUDENTS}
    assert kits[STUDENTS[0]] == kit.kit_files(STUDENTS[0], KEY)
    for name in ("README.md", "test_bot.py"):
        assert len({files[name] for files in kits.values()}) == len(STUDENTS)
    for name in ("bot.py", "model.json", "policy.md"):
        assert len({files[name] for files in kits.values()}) == 1
    other = kit.kit_files(STUDENTS[0], bytes(32))
    assert other["test_bot.py"] != kits[STUDENTS[0]]["test_bot.py"]
    assert len({variant(student, KEY).words_named for student in STUDENTS}) > 30
    assert variant("Ada", KEY) == variant("ada", KEY)


def test_standard_kit_is_what_lies_in_data() -> None:
    files = kit.kit_files()
    for name in kit.FILES:
        assert files[name] == (ROOT / "data/kit" / name).read_bytes()
    assert files["model.json"] == (ROOT / "data/model.json").read_bytes()
    assert set(files) == {*kit.FILES, "model.json", kit.MANIFEST}


def test_nothing_of_the_key_is_in_a_kit() -> None:
    kits = b"".join(b"".join(kit.kit_files(student, KEY).values()) for student in STUDENTS[:5])
    secrets = [KEY, *(variant(student, KEY).seed for student in STUDENTS[:5])]
    assert len(set(secrets)) == 6
    for secret in secrets:
        for form in (
            secret,
            secret[:8],
            secret.hex().encode(),
            secret.hex()[:12].encode(),
            secret.hex().upper()[:12].encode(),
            base64.b64encode(secret)[:12],
            str(int.from_bytes(secret, "big"))[:12].encode(),
        ):
            assert form not in kits
    purposes = [derive(KEY, "ada", purpose) for purpose in ("tests", "cases of fruits", "prefixes")]
    assert len(set(purposes)) == 3


@pytest.mark.parametrize("student", [None, *STUDENTS[:10]])
def test_words_are_shared_out_evenly(student: str | None) -> None:
    made = variant(student, KEY if student else None)
    words = policy().words
    assert {*made.words_named, *made.words_held_out} == set(words)
    assert len(made.words_named) + len(made.words_held_out) == len(words)
    assert abs(len(made.words_named) - len(made.words_held_out)) <= 1
    lengths = [sum(map(len, part)) for part in (made.words_named, made.words_held_out)]
    assert abs(lengths[0] - lengths[1]) <= max(map(len, words)) + 5
    assert len(set(made.prefixes)) == len(made.prefixes) == 20


@pytest.mark.slow
def test_harmless_requests_are_harmless() -> None:
    pool = [prefix for _, words in _BEGINNINGS for prefix in words.split()]
    assert len(set(pool)) == len(pool)
    for answer in answers.answers(pool):
        assert answer.verdict == "allow", answer


def test_zip_is_the_kit() -> None:
    data = kit.kit_zip("ada", KEY)
    assert data == kit.kit_zip("ada", KEY)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        held = {name: archive.read(name) for name in archive.namelist()}
    wanted = kit.kit_files("ada", KEY)
    assert held == {f"assignment-ada/{name}": data for name, data in wanted.items()}


def test_kit_needs_student_and_key_together() -> None:
    for student, key in (("ada", None), (None, KEY)):
        with pytest.raises(InputError, match="both"):
            kit.kit_files(student, key)
    with pytest.raises(InputError, match=r"nosuch.*fruits"):
        kit.kit_files(category="nosuch")


# ---------------------------------------------------------------- who


GOOD_IDS = ["ada", "ada@school.example", "a+b", "S_1-2.3", "7", "x" * 64, "nulla", "comet", "a..b"]
BAD_IDS = [
    "", ".", "..", "../x", "a/b", "a\\b", "/etc", "C:x", "a b", "a\n", "\0", "-rf", ".hidden", "a.",
    "x" * 65, "con", "NUL", "com1", "Lpt9.txt", "aux.tar.gz", "josé", "a\u202eb", "~", "*", "a|b",
    "<b>", "$(x)", "%00", "a,b", "'", '"', "=1+1",
]  # fmt: skip


@pytest.mark.parametrize("student", GOOD_IDS)
def test_ids_that_name_folders(student: str) -> None:
    assert folder_name(student) == student


@pytest.mark.parametrize("student", BAD_IDS)
def test_ids_that_are_refused(student: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="The student"):
        kit.make_kit(tmp_path / "kit", student, KEY)
    with pytest.raises(InputError, match="The student"):
        list(kit.make_kits(["fine", student], tmp_path / "kits", KEY))
    assert list(tmp_path.iterdir()) == []


def test_two_students_of_one_name() -> None:
    with pytest.raises(InputError, match="share a folder"):
        folder_names(["ada", "bob", "Ada"])


# ---------------------------------------------------------------- to disk


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.startswith(TEMPORARY)]


def test_work_is_never_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "kit"
    assert kit.make_kit(out).how == "new"
    assert kit.make_kit(out).how == "as it was"
    assert kit.make_kit(out, "ada", KEY).how == "renewed"
    (out / "__pycache__").mkdir()  # what running the tests leaves
    assert kit.make_kit(out, "bob", KEY).how == "renewed"
    for change in ("bot.py", "README.md", "kit.json", "notes.txt"):
        before = tree(out)
        (out / change).write_bytes(before.get(change, b"") + b"\n# mine\n")
        changed = tree(out)
        with pytest.raises(FileError, match="would be lost"):
            kit.make_kit(out, "ada", KEY)
        assert tree(out) == changed
        (out / change).unlink() if change not in before else (out / change).write_bytes(
            before[change]
        )
    (out / "policy.md").unlink()
    with pytest.raises(FileError, match="would be lost"):
        kit.make_kit(out)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    "manifest", [b"", b"{}", b"[1]", b'{"files": 3}', b"\xff", b"[" * 100_000, b'{"files": {}}']
)
def test_a_strange_manifest_is_no_kit(tmp_path: Path, manifest: bytes) -> None:
    (tmp_path / "kit.json").write_bytes(manifest)
    (tmp_path / "bot.py").write_bytes(b"mine")
    before = tree(tmp_path)
    with pytest.raises(FileError, match="would be lost"):
        kit.make_kit(tmp_path)
    assert tree(tmp_path) == before


def test_places_that_cannot_be_a_kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileError, match="not a folder"):
        kit.make_kit(tmp_path / "file")
    with pytest.raises(FileError):
        kit.make_kit(tmp_path / "file" / "kit")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(FileError, match="you are in"):
        kit.make_kit(Path())
    (tmp_path / "empty").mkdir()
    assert kit.make_kit(tmp_path / "empty").how == "new"
    assert kit.make_kit(tmp_path / "deep" / "er").how == "new"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    kit.make_kit(tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real" / "bot.py").exists()
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    with pytest.raises(FileError):
        kit.make_kit(tmp_path / "nowhere")


def test_a_full_disk_leaves_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "kit"
    kit.make_kit(out)
    before = tree(out)
    real = kit.write_synced

    def full(path: Path, data: bytes) -> None:
        if path.name == "policy.md":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, data)

    monkeypatch.setattr(kit, "write_synced", full)
    with pytest.raises(FileError, match="disk is full"):
        kit.make_kit(out, "ada", KEY)
    assert tree(out) == before
    with pytest.raises(FileError, match="disk is full"):
        kit.make_kit(tmp_path / "new")
    assert list(tmp_path.iterdir()) == [out]


# ---------------------------------------------------------------- the pages


def test_kit_page_says_what_is_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (folder / "README.md").read_text()
    points = [float(n) for n in re.findall(r"^\| [^|]+ \| (\d+) \| [^|]+\|$", page, re.M)]
    assert points == list(PARTS.values())
    named = next(line for line in page.splitlines() if line.startswith("> ")).removeprefix("> ")
    assert tuple(named.split(", ")) == variant("ada", KEY).words_named
    assert "`ada`" in page
    for name in ("bot.py", "model.json", "test_bot.py", "policy.md"):
        assert f"| `{name}` |" in page and (folder / name).exists()
    code = re.search(r"```python\n(.*?)```", page, re.S)
    assert code
    program = code[1].replace("range(1000)", "range(20)")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    assert re.search(r"^\d+ of 1000 hold a fruit$", done.stdout, re.M)


def test_teachers_page_names_commands_that_work(tmp_path: Path) -> None:
    page = (ROOT / "data/teacher/README.md").read_text()
    for command in re.findall(r"^microgpt (assignment .*?)(?: +#.*)?$", page, re.M):
        words = command.split()
        assert words[1] in ("key", "new", "teacher", "workflow")
    assert "microgpt grade" in page
    for answer, text in (("alim", "18 %"), ("olim", "19 %"), ("slemo", "72 %"), ("li", "0.1 %")):
        found = answers.answers([answer])[0]
        assert f"`{answer}` {text}" in page or answer == "li"
        assert abs(100 * found.leak - float(text.split()[0])) < 0.5
