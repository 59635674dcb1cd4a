"""Compiles the native engine's kernel when microgpt is built or installed.

Hatchling calls this for every wheel. An ordinary wheel gets a kernel compiled in a folder of its
own, never one left lying in the checkout. For an editable install a new one takes the place
of the checkout's older kernel, which is deleted even if there is no new one. Without a compiler
that works the wheel is a pure one, NumPy is used instead, and libmicrogpt.json says why:
an install never fails for that.

Environment: MICROGPT_TARGET names a machine of build.TARGETS, for which zig compiles (a failure
then is an error); MICROGPT_NO_KERNEL=1 leaves the kernel out. MICROGPT_SBOM is a bill of materials,
which scripts/sbom.py makes, to be put into the wheel's .dist-info/sboms/ (PEP 770).
"""

import contextlib
import importlib.util
import os
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NATIVE = "microgpt/engines/native"


class KernelHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts a compiled kernel into the wheel, and the wheel's tag right."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the wheel is written. ``version`` is standard or editable."""
        build = load_build(Path(self.root))
        name = os.environ.get("MICROGPT_TARGET")
        if name and name not in build.TARGETS:
            raise ValueError(f"MICROGPT_TARGET is {name!r}, must be one of {[*build.TARGETS]}")
        target = build.TARGETS[name] if name else build.this_machine()
        library = build.library_path(target.system)
        self.folder = None
        if version != "editable":
            if not Path(self.root, "guide", "site", "index.html").is_file():
                self.app.display_warning(
                    "this wheel holds no guide, whose pages aren't built: scripts/dev.py guide"
                )
            self.folder = tempfile.TemporaryDirectory(prefix="microgpt-kernel-")
            library = Path(self.folder.name) / library.name
        self.compile(build, library, target)
        if version == "editable":
            build.remove(keep=library)
        for made in (library, build.record_path(library)):
            if made.exists() and version != "editable":
                build_data["force_include"][str(made)] = f"{NATIVE}/{made.name}"
        if bill := os.environ.get("MICROGPT_SBOM"):
            build_data["sbom_files"].append(bill)
        if library.exists():
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{target.wheel}"

    def compile(self, build: ModuleType, library: Path, target: Any) -> None:
        """The library, or a note of why there is none."""
        if os.environ.get("MICROGPT_NO_KERNEL") == "1":
            why = "it was left out on request (MICROGPT_NO_KERNEL)"
        else:
            try:
                levels = build.build(to=library, target=target)
            except (build.BuildError, OSError) as error:
                if target.zig:
                    raise
                why = str(error)
            else:
                self.app.display_info(f"compiled the kernel: {', '.join(levels)}")
                return
        self.app.display_warning(f"no compiled kernel, NumPy is used instead: {why}")
        with contextlib.suppress(OSError):  # Windows: in use; the note tells that it is not valid
            library.unlink(missing_ok=True)
        build.write_failure(library, why)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """After the wheel is written."""
        if self.folder is not None:
            self.folder.cleanup()


def load_build(root: Path) -> ModuleType:
    """build.py by its path: importing the package would need NumPy."""
    path = root / "src" / NATIVE / "build.py"
    spec = importlib.util.spec_from_file_location("microgpt_kernel_build", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
