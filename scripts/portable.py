"""Arithmetic that every x86-64 processor has: what recorded numbers are made with.

Import this before anything that imports NumPy. The C kernel has levels, NumPy and its BLAS choose
among code paths of their own, and each rounds in its own way: the last bits of a number depend on
the processor, and with them now and then what is drawn. What is committed is made with the oldest
instructions in all three, so that anyone can reproduce it; a newer processor has the older
instructions as well. An ARM processor has none of them: it can read what is recorded, and the tests
compare within errors that are derived there, but it can't record.
"""

from __future__ import annotations

import os
import sys

LEVEL = "sse2"
ENVIRONMENT = {
    "MICROGPT_LEVEL": LEVEL,
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Nehalem",
    "OPENBLAS_NUM_THREADS": "1",
}
MADE_WITH = f"the native engine, level {LEVEL}, and NumPy without AVX"


def use() -> None:
    """Uses only these from here on, here and in child processes; ends where they are missing.

    ``SystemExit`` says why.
    """
    if "numpy" in sys.modules:
        raise RuntimeError("portable.use() must be called before NumPy is imported")
    os.environ.update(ENVIRONMENT)
    from microgpt.config import Config
    from microgpt.engines.native import NativeEngine

    reason = NativeEngine.supports(Config(), "float64")
    if reason is not None:
        sys.exit(
            f"The engine native {reason}. Recorded numbers are made with it on x86-64, at level "
            f"{LEVEL}: `make native` builds it."
        )
