"""`python -m dal` and the command `dal`."""

import sys


def main() -> None:
    """Run the command line, which the extra `cli` brings."""
    try:
        from dal.cli import run

        status = run()  # some commands import more
    except KeyboardInterrupt:  # while it is imported; later it is Typer's
        sys.exit(130)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "dal":
            raise
        sys.exit(
            f"dal's command line needs {missing}; install the extra cli:"
            " pip install 'dal-chat-memory[cli]'"
        )
    sys.exit(status)


if __name__ == "__main__":
    main()
