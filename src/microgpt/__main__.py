"""``python -m microgpt`` is the command ``microgpt``."""

from microgpt import interrupts


def main() -> None:
    """Entry point of the command; exits with the documented code."""
    interrupts.never_lost()
    interrupts.hold()
    from microgpt import cli  # takes long enough for someone to press Ctrl-C

    cli.main()


if __name__ == "__main__":
    main()
