"""Write all vectors again with the scalar engine, or compare them with those that are here.

    python conformance/generate.py            write what takes seconds
    python conformance/generate.py --check    compare instead; exit code 1 if anything differs
    python conformance/generate.py --slow     the whole runs of both presets too, about 6 minutes
    python conformance/generate.py --only gradients steps
    python conformance/generate.py --measure  how far each engine is from the vectors

blocks.json is the NumPy engine's, since the scalar engine doesn't compute what is in it, and
bytepairs.json is the library tokenizers's: where that isn't installed it is left out. Two machines
may differ in the last bits of exp, log and cos: --check says so and accepts what is within 1e-11.
vectors/run/ is written only where it is missing (see make_files).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
for place in (ROOT, ROOT / "src"):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))

from conformance import (  # noqa: E402
    make_blocks,
    make_bytepairs,
    make_files,
    make_ground,
    make_model,
    make_sampling,
    make_training,
    vectorfile,
)

LAST_BITS = 1e-11

FILES: dict[str, Callable[[], object]] = {
    **make_ground.FILES,
    **make_model.FILES,
    **make_training.FILES,
    **make_sampling.FILES,
    **make_files.FILES,
    **make_blocks.FILES,
    **make_bytepairs.FILES,
}


def contents(only: list[str], slow: bool) -> Iterator[tuple[Path, str]]:
    """Paths and what belongs there, one file after the other."""
    if slow:
        for name, content in zip(make_training.SLOW, make_training.losses(), strict=True):
            yield vectorfile.VECTORS / f"{name}.json", vectorfile.text(content)
        vectorfile.load.cache_clear()
    for name, make in FILES.items():
        if name in make_bytepairs.FILES and not make_bytepairs.THERE:
            print(f"vectors/{name}.json: left out, the library tokenizers is not installed")
        elif not only or name in only:
            yield vectorfile.VECTORS / f"{name}.json", vectorfile.text(make())
    if not only or "trace" in only:
        yield vectorfile.HERE / "trace.json", vectorfile.text(make_model.trace_table())
    if not only or "model" in only:
        for name, text in make_files.model_files().items():
            yield vectorfile.VECTORS / "model" / f"{name}.json", text


def compare(path: Path, text: str) -> bool:
    """Whether a file is what it should be; prints what isn't."""
    import json

    where = path.relative_to(ROOT)
    if not path.exists():
        print(f"{where}: missing")
        return False
    here = path.read_text(encoding="utf-8")
    if here == text:
        return True
    distance, at = vectorfile.difference(json.loads(here), json.loads(text))
    if distance <= LAST_BITS:
        how = f"last bits differ, by {distance:.1g} at {at}" if distance else "laid out otherwise"
        print(f"{where}: {how}")
        return distance > 0
    print(f"{where}: differs by {distance:.3g} at {at}")
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--slow", action="store_true", help="the whole runs too")
    parser.add_argument("--measure", action="store_true", help="how far each engine is off")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="only these files")
    args = parser.parse_args()
    unknown = set(args.only) - {*FILES, "trace", "model"}
    if unknown:
        parser.error(f"unknown: {' '.join(sorted(unknown))}; known: {' '.join(FILES)} trace model")
    if args.measure:
        from conformance import checks

        for line in checks.measure():
            print(line)
        return 0
    if not args.check and not make_files.RUN.exists():
        make_files.write_run(make_files.RUN)
    good = True
    for path, text in contents(args.only, args.slow):
        if args.check:
            good = compare(path, text) and good
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"{path.relative_to(ROOT)}: {len(text.encode()):,} bytes")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
