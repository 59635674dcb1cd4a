"""What the interpreter is started with: the keeper, the driver, or a look at what works here.

Compiled modules lie beside this file, so that a start costs little.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Become what the first argument says."""
    sys.path.insert(0, sys.argv[0].rpartition("/")[0])
    what = __import__(sys.argv[1])
    if sys.argv[1] == "keeper":
        for name in ("lockdown", "processes", "driver"):
            __import__(name)
    return int(what.main())


if __name__ == "__main__":
    sys.exit(main())
