"""``python -m microgpt`` is the command ``microgpt``."""

import sys

from microgpt import calling, interrupts


def main() -> None:
    """Entry point of the command; exits with the documented code."""
    interrupts.never_lost()
    interrupts.hold()
    calling.called_as(sys.argv[0])
    from microgpt import cli  # takes long enough for someone to press Ctrl-C

    cli.main()


if __name__ == "__main__":
    main()
