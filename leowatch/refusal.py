"""What went wrong, as one line for a person, and the exit code that says that trying again will not help."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from ingest.contract.bus import Fatal, Retry


@contextmanager
def refusing(command: str, *kinds: type[Exception]) -> Iterator[None]:
    """End a command with exit code 2 and its reason where something was asked that cannot be done.

    Args:
        command: As a person types it.
        kinds: Errors that say so, besides the usual ones.
    """
    foreseen: tuple[type[Exception], ...] = (ValueError, OSError, Fatal, Retry, *kinds)
    try:
        yield
    except ModuleNotFoundError as error:
        says = f"{error.name} is not installed: `make setup` brings everything, `make demo` only what the demo needs"
        raise _refusal(command, says) from error
    except foreseen as error:
        raise _refusal(command, _says(error)) from error


def _refusal(command: str, says: str) -> typer.Exit:
    typer.secho(f"leowatch {command}: {says}", err=True, fg=typer.colors.RED, bold=True)
    return typer.Exit(2)


def _says(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"the port is taken by another program ({error.strerror}): name another with --port, or 0 for a free one"
    return str(error)
