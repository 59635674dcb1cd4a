"""``microgpt doctor``: what this installation consists of, which engines work, and why not.

``microgpt doctor RUN``: whether every file of a run is as it was saved.
"""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from microgpt import __version__
from microgpt.calling import python
from microgpt.cli import show_json, visible
from microgpt.config import DTYPES, Config
from microgpt.errors import CheckpointError, MicrogptError, MissingError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from microgpt.disk.runcheck import Finding
    from microgpt.engines.base import Arrays

_BASE = ("numpy", "cyclopts", "rich", "plotext", "safetensors")
_PACKAGES = (*_BASE, "torch", "gguf", "ziglang")  # the others are extras
_SMALL = Config(n_embd=4, n_head=2, block_size=4, vocab_size=5, steps=1)
_DOCUMENT = (4, 0, 2, 1, 4)
_LOSS = 3.611328  # of that document under _weights; a test checks it with the scalar engine


def doctor(
    run: Annotated[Path | None, Parameter(help="A run's directory, whose files to check.")] = None,
    /,
    *,
    json: Annotated[bool, Parameter(help="Print one JSON object.", negative="")] = False,
) -> None:
    """Report what is installed, which engines work, and why the others don't.

    The exit code is 0 if training works at the speed of NumPy or faster.

    With a run's directory: read every file in it, compare each with the digest that was recorded,
    and say whether it is intact, and if not, what to do. Nothing is changed. The exit code is 3 if
    anything is damaged.
    """
    if run is not None:
        _doctor_run(run, json)
        return
    found = examine()
    if json:
        show_json({"doctor": found})
    else:
        for line in report(found):
            print(visible(line))
    engines = found["engines"]
    if not any(engine["works"] and not _is_slow(name) for name, engine in engines.items()):
        raise MissingError(
            "Neither native nor numpy works: training would take minutes.",
            f"Reinstall it: {python('-m', 'pip', 'install', '--force-reinstall', 'microgpt')}",
        )


def _doctor_run(path: Path, as_json: bool) -> None:
    from microgpt.disk.runcheck import check_run

    findings = check_run(path)
    damaged = [finding for finding in findings if finding.state == "damaged"]
    if as_json:
        files = [vars(finding) for finding in findings]
        show_json({"doctor": {"run": str(path), "good": not damaged, "files": files}})
    else:
        for line in run_report(findings):
            print(visible(line))
    if damaged:
        names = ", ".join(finding.file for finding in damaged[:4])
        more = f" and {len(damaged) - 4} more" if len(damaged) > 4 else ""
        raise CheckpointError(f"{path} is damaged: {names}{more}.", damaged[0].remedy)


def run_report(findings: list[Finding]) -> list[str]:
    """What was found out about a run's files, as aligned lines."""
    width = max(len(finding.file) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{finding.file:<{width}}  {finding.state:<7}  {finding.says}")
        if finding.remedy:
            lines.append(f"{'':<{width}}           {finding.remedy}")
    return lines


def examine() -> dict[str, Any]:
    """Everything there is to report, as plain values."""
    engines, auto = _engines()
    try:
        kernel, threads = _kernel(), _threads()
    except ImportError as error:  # NumPy is missing or broken
        kernel, threads = {"library": None, "problem": f"can't be loaded: {error}"}, {}
    return {
        "microgpt": __version__,
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "executable": sys.executable,
        },
        "platform": {
            "system": platform.platform(),
            "machine": platform.machine(),
            "processor": _processor(),
        },
        "packages": {name: _version(name) for name in _PACKAGES},
        "engines": engines,
        "auto": auto,
        "kernel": kernel,
        "threads": threads,
    }


def report(found: dict[str, Any]) -> list[str]:
    """The findings as aligned lines."""
    python, machine = found["python"], found["platform"]
    lines = [
        f"microgpt    {found['microgpt']}",
        f"python      {python['version']}, {python['implementation']}, {python['executable']}",
        f"platform    {machine['system']}, {machine['processor'] or machine['machine']}",
    ]
    packages = {
        name: version or "MISSING"
        for name, version in found["packages"].items()
        if version or name in _BASE
    }
    lines.append("packages    " + ", ".join(f"{name} {v}" for name, v in packages.items()))
    lines += ["", "engines, fastest first; torch only where it is asked for:"]
    for name, engine in found["engines"].items():
        if engine["works"]:
            said = f"works in {_listed(engine['dtypes'])}"
            if "devices" in engine:
                said += f" on {_listed(engine['devices'])}"
        else:
            said = f"doesn't work: {name} {engine['reason']}"
            if engine.get("remedy"):
                said += f". {engine['remedy']}"
        chosen = "   <- used by auto" if name == found["auto"] else ""
        lines.append(f"  {name:<10}{said}{chosen}")
    if not found["threads"]:
        return lines
    lines += ["", *_kernel_lines(found["kernel"]), ""]
    threads = found["threads"]
    lines.append(
        f"threads     1, or {threads['default_for_batches']} with 16 or more documents per step "
        f"({threads['cores']} cores, {threads['usable']} of them available to this process); "
        f"native uses at most {threads['most_native']}"
    )
    return lines


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _kernel_lines(kernel: dict[str, Any]) -> list[str]:
    lines = [f"kernel      {kernel['library']}"]
    if kernel["problem"]:
        lines += [
            f"  problem   native {kernel['problem']}",
            f"  build it  {kernel['remedy']}",
            "            with gcc or clang; if you have neither, the PyPI package ziglang is a "
            "compiler",
        ]
        return lines
    lines += [
        f"  size      {kernel['bytes']:,} bytes for {kernel['system']} on {kernel['family']}",
        f"  compiler  {kernel['compiler']}",
        f"  flags     {kernel['flags']}",
    ]
    for name, level in kernel["levels"].items():
        built = " and ".join(level["built"])
        said = f"built for {built}" if built else "not built"
        if level["problem"]:
            said += f"; can't be used: {level['problem']}"
        in_use = "   <- in use" if name == kernel["in_use"] else ""
        lines.append(f"  {name:<10}{said}{in_use}")
    names = ", ".join(kernel["levels"])
    if kernel["forced"]:
        lines.append(f"  forced    to {kernel['forced']} by the environment: MICROGPT_LEVEL")
    else:
        lines.append(f"  to force  a level, set MICROGPT_LEVEL to one of {names}")
    return lines


def _engines() -> tuple[dict[str, Any], str | None]:
    """For each engine: whether it works, in which dtypes, or why not; and which one auto uses."""
    try:
        from microgpt.engines import ASKED, ENGINES
    except ImportError as error:  # NumPy is missing or broken
        reason = f"can't be loaded: {error}"
        names = ("native", "numpy", "scalar", "torch")
        return {n: {"works": False, "dtypes": [], "reason": reason} for n in names}, None
    engines: dict[str, Any] = {}
    for name in ENGINES:
        try:
            devices = _devices(name)
        except MissingError as error:
            reason = "isn't installed" if name in ASKED else f"fails: {error.message}"
            engines[name] = {"works": False, "dtypes": [], "reason": reason}
            engines[name]["remedy"] = error.remedy
            continue
        reasons = {dtype: _try(name, dtype) for dtype in DTYPES}
        dtypes = [dtype for dtype, reason in reasons.items() if reason is None]
        engines[name] = {
            "works": "float64" in dtypes,
            "dtypes": dtypes,
            "reason": reasons["float64"],
            **({"devices": devices} if devices else {}),
        }
    usual = (name for name, engine in engines.items() if engine["works"] and name not in ASKED)
    return engines, next(usual, None)


def _devices(name: str) -> list[str]:
    """Those on which an engine can be told to compute and that are here; none if it can't be told.

    Raises ``MissingError`` where the engine can't be loaded.
    """
    import numpy as np

    from microgpt.engines import engine_class
    from microgpt.engines.hardware import Hardware

    cls = engine_class(name)
    found = []
    for device in (d for d in cls.devices if d != "auto"):
        engine = cls()
        engine.hardware = Hardware(device)
        try:
            engine.load(_SMALL, "float32", _weights(np.float32))
        except MicrogptError:
            continue
        engine.close()
        found.append(device)
    return found


def _is_slow(name: str) -> bool:
    """Whether training takes minutes with this engine, which works here."""
    from microgpt.engines import engine_class

    return engine_class(name).slow


def _try(name: str, dtype: str) -> str | None:
    """None if a training step of a small model gives the right loss, else what is wrong."""
    from microgpt.arrays import stored
    from microgpt.engines import engine_class

    try:
        cls = engine_class(name)
        reason = cls.supports(_SMALL, dtype)
        if reason is not None:
            return reason
        engine = cls()
        engine.load(_SMALL, dtype, _weights(stored(dtype)))
        loss, _ = engine.grads([_DOCUMENT])
        engine.close()
    except MicrogptError as error:
        return f"fails: {error.message}"
    if abs(loss - _LOSS) < (1e-5 if dtype in ("float64", "float32") else 0.05):
        return None
    return f"computes a wrong loss: {loss:.6f} instead of {_LOSS}"


def _weights(dtype: DTypeLike) -> Arrays:
    import numpy as np

    return {
        name: np.cos(np.arange(math.prod(shape)) + i).reshape(shape).astype(dtype)
        for i, (name, shape) in enumerate(_SMALL.shapes().items())
    }


def _kernel() -> dict[str, Any]:
    """What the native engine's library consists of, and which part of it runs."""
    from microgpt.engines import native
    from microgpt.engines.native import build

    path = build.library_path()
    record = build.read_record(path)
    forced = os.environ.get("MICROGPT_LEVEL") or None
    result: dict[str, Any] = {
        "library": str(path),
        "problem": build.problem(path),
        "remedy": build.remedy(),
        "forced": forced,
        "in_use": None,
    }
    if result["problem"]:
        return result
    try:
        problems = native.level_problems()
    except OSError as error:
        return {**result, "problem": str(error)}
    for key in ("system", "family", "compiler", "flags", "bytes"):
        result[key] = record.get(key)
    result["levels"] = {
        name: {"built": native.built_dtypes(name), "problem": problem}
        for name, problem in problems.items()
    }
    usable = [name for name, problem in problems.items() if problem is None]
    result["in_use"] = usable[-1] if forced is None else forced if forced in usable else None
    return result


def _threads() -> dict[str, int]:
    from microgpt.engines.native import MOST_THREADS

    cores = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    return {
        "cores": cores,
        "usable": usable,
        "default_for_batches": cores,
        "most_native": MOST_THREADS,
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """The processor's name if the system gives it, else nothing."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - no file on a disk
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except (OSError, UnicodeDecodeError):
        pass
    return platform.processor()
