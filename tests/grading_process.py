"""The command in a process that begins with what grading computes for a key.

    python grading_process.py KEPT grade …

KEPT is a file that holds ``grader._kept``.
"""

import pickle
import sys

from microgpt.__main__ import main
from microgpt.assignment.grading import grader

if __name__ == "__main__":
    with open(sys.argv.pop(1), "rb") as file:  # noqa: PTH123
        grader._kept.update(pickle.load(file))
    main()
