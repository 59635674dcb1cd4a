"""How the suite runs: a time limit for every test, default signals, tests side by side.

conftest.py takes the hooks from here. The layers (`make test`, `make test-all`, `make prove`) and
what each of them may cost are in CONTRIBUTING.md.
"""

import itertools
import os
import signal

import pytest

# Seconds until a test is stopped and named. No test takes a tenth of that on an idle machine; it
# is there for what hangs, not for what is slow.
LIMITS = {"quick": 300, "slow": 1800, "prove": 0}  # 0: none
WORKERS = 8  # more of them wait for the disk and for memory


# Compile the kernel or run it; the emulator for its ARM part as well.
KERNEL = ("test_engine_native", "test_kernel_", "test_packaging", "test_wasm")


def layer(item: pytest.Item) -> str:
    return next((name for name in ("prove", "slow") if item.get_closest_marker(name)), "quick")


def part(item: pytest.Item) -> str:
    """The part of the suite whose budget a test draws on."""
    if item.get_closest_marker("torch"):
        return "torch"
    if "chromium" in getattr(item, "fixturenames", ()):
        return "browser"
    return "kernel" if item.path.name.startswith(KERNEL) else "Python"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LIMITS[layer(item)]))
        item.user_properties.append(("part", part(item)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """With ``--durations``, beside the slowest tests: what each part of the suite took."""
    if not terminalreporter.config.getoption("durations"):
        return
    seconds: dict[str, float] = {}
    for report in itertools.chain(*terminalreporter.stats.values()):
        if isinstance(report, pytest.TestReport):
            name = str(dict(report.user_properties)["part"])
            seconds[name] = seconds.get(name, 0) + report.duration
    told = ", ".join(f"{name} {spent:.0f}" for name, spent in sorted(seconds.items()))
    terminalreporter.write_line(f"seconds in tests, all workers together: {told}")


def pytest_xdist_auto_num_workers() -> int:
    """As many as there are cores for this process, and not more than are of use."""
    if hasattr(os, "sched_getaffinity"):
        return min(WORKERS, len(os.sched_getaffinity(0)))
    return min(WORKERS, os.cpu_count() or 1)


def _nothing(_number: int, _frame: object) -> None:
    """What a signal does that whoever started the suite wants ignored."""


def with_default_signals() -> None:
    """Let the programs that tests start have the default signals.

    A signal that is ignored here would be ignored by every child as well: SIGINT where a shell
    script starts the suite in the background, SIGHUP under nohup. One that is caught isn't passed
    on, so the suite itself goes on ignoring it.
    """
    if os.name == "nt":
        return
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _nothing)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
