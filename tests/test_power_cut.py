"""The power fails: what was called saved is there, and the run goes on as if nothing had been.

The calls of a command are recorded (tests/fault_shim.c), and from them come the states that a disk
may be in after a power cut at any moment (tests/power_cut.py has the model). A good share of them
is tried in ``make test-all``, each one in ``make prove``.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import faulty
import power_cut
from cli_runner import ok, refused
from fault_cases import CASES, PAIRS, TRAIN, Bench
from microgpt.disk.checkpoint import RunDir
from microgpt.errors import CheckpointError


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with faulty.commands(tmp_path_factory.mktemp("power")) as commands:
        yield Bench(commands, tmp_path_factory.mktemp("bases"))


class Trained:
    """A command that trains in ``new`` or ``half``, recorded, and the states that it may leave."""

    def __init__(self, bench: Bench, name: str, folder: str, made_before: bool) -> None:
        commands = bench.commands
        self.folder = folder
        commands.begin(bench.base)
        if made_before:
            (commands.root / folder).mkdir()
        base = Path(shutil.copytree(commands.root, commands.folder / f"before-{name}"))
        (base / "said").touch()
        result = commands.run(*CASES[name].command, said="said")
        assert result.code == 0
        calls = commands.calls()
        self.whole = faulty.content(commands.root / folder)
        # What was promised when: the step that the last finished line called saved.
        told = b""
        self.promised = -1 if folder == "new" else 6
        said = str(commands.root / "said")

        def hear(call: faulty.Call) -> None:
            nonlocal told
            if call.path == said and call.kind == "write":
                told += call.data
                for line in told.split(b"\n")[:-1]:
                    step = json.loads(line).get("saved", {}).get("step", -1)
                    self.promised = max(self.promised, step)

        disk = power_cut.Disk(commands.root, base)
        least: dict[tuple[tuple[str, bytes | None], ...], tuple[int, bool]] = {}
        for in_order, state in power_cut.all_cuts(disk, calls, hear):
            inside = tuple(
                (name, data) for name, data in state.items() if name.split("/")[0] == folder
            )
            step, ordered = least.get(inside, (-1, False))
            least[inside] = max(step, self.promised), ordered or in_order
        assert self.promised == 12
        self.states = list(least.items())

    def try_out(self, states: list[int], root: Path) -> None:
        for number in states:
            state, (least, in_order) = self.states[number]
            shutil.rmtree(root / self.folder, ignore_errors=True)
            power_cut.lay_out(dict(state), root)
            try:
                self.goes_on(root / self.folder, least, in_order)
            except (AssertionError, CheckpointError) as error:
                names = [name for name, _ in state]
                error.add_note(f"state {number}, step {least} was promised: {' '.join(names)}")
                raise

    def goes_on(self, run: Path, least: int, in_order: bool) -> None:
        """Resumed, the run ends as the one that nothing befell.

        Where names don't come in order, a new metrics.jsonl may be gone although the snapshot made
        after it is there: that is said, and costs the first lines of the log.
        """
        lost = False
        if not (run / "run.json").exists():
            assert least < 0
            refused(3, "train", "--resume", run)
            ok(*PAIRS, "--out", run)
        else:
            found, notices = RunDir.open(run).load()
            assert (found.step if found else -1) >= least
            lost = any("metrics.jsonl" in notice for notice in notices)
            assert not (lost and in_order), notices
            ok("train", "--resume", run)
        ends, whole = faulty.content(run), dict(self.whole)
        if lost:
            del ends["metrics.jsonl"], whole["metrics.jsonl"]
        assert ends == whole


RUNS = [("train", "new", True), ("resume", "half", False)]


@pytest.fixture(scope="module")
def trained(bench: Bench) -> dict[str, Trained]:
    return {run[0]: Trained(bench, *run) for run in RUNS}


@pytest.mark.slow
@pytest.mark.usefixtures("no_fsync")
@pytest.mark.parametrize("name", ["train", "resume"])
def test_a_run_goes_on_after_a_power_cut(
    bench: Bench, trained: dict[str, Trained], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trained[name]
    monkeypatch.chdir(bench.commands.root)
    count = len(made.states)
    assert count > 100
    made.try_out([place - 1 for place in faulty.places(count, 50)], bench.commands.root)


@pytest.mark.prove
@pytest.mark.usefixtures("no_fsync")
@pytest.mark.parametrize("name", ["train", "resume"])
def test_a_run_goes_on_after_every_power_cut(
    bench: Bench, trained: dict[str, Trained], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trained[name]
    monkeypatch.chdir(bench.commands.root)
    made.try_out(list(range(len(made.states))), bench.commands.root)
    print(f"{name}: {len(made.states)} states")


# ---------------------------------------------------------------- a new run's own name


@pytest.mark.slow
def test_a_new_run_is_where_it_was_called_saved(bench: Bench) -> None:
    """The directory that holds the run's directory was synced before anything was promised."""
    commands = bench.commands
    for out in ("new", "deep/er/new"):
        commands.begin(bench.base)
        disk = power_cut.Disk(commands.root, bench.base)
        commands.ok(*TRAIN, "--out", out)
        for call in commands.calls():
            disk.apply(call)
        left = disk.left(lambda number: False, lambda: "old")
        assert f"{out}/step-00000012/weights.safetensors" in left


# ---------------------------------------------------------------- single files


def old_or_new(bench: Bench, name: str) -> None:
    """A power cut at any moment leaves what was there, or the new; after the end, the new."""
    bench.straight(name)
    case = CASES[name]
    disk = power_cut.Disk(bench.commands.root, bench.base)
    old = bench.base / case.target
    allowed = [bench.wanted[name], {old.name: old.read_bytes()} if case.old else {}]

    def target(state: power_cut.State) -> dict[str, object]:
        files = {path: data for path, data in state.items() if data is not None}
        if case.target in files:
            return {case.target: files[case.target]}
        inside = f"{case.target}/"
        return {path.removeprefix(inside): files[path] for path in files if path.startswith(inside)}

    count = 0
    for _, state in power_cut.all_cuts(disk, bench.counts[name], lambda _: None):
        assert target(state) in allowed
        count += 1
    assert count >= 5
    assert target(disk.left(lambda number: False, lambda: "old")) == bench.wanted[name]


FILES = [name for name, case in CASES.items() if case.target and not (case.run or case.several)]


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_file_is_old_or_new_after_a_power_cut(bench: Bench, name: str) -> None:
    old_or_new(bench, name)
