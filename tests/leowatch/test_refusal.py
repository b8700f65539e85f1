"""What a person reads when a command cannot do what was asked."""

import errno

import pytest
import typer

from ingest.contract.bus import Fatal, Retry
from leowatch.refusal import refusing


class OwnError(Exception):
    """One that only a single command knows."""


def refused(error, *kinds):
    with pytest.raises(typer.Exit) as left, refusing("demo", *kinds):
        raise error
    return left.value.exit_code


@pytest.mark.parametrize(
    "error", [ValueError("no such day"), Fatal("no such day"), Retry("no such day"), OSError("no such day"), OwnError("no such day")]
)  # fmt: skip
def test_an_error_is_one_line_with_the_command_and_exit_code_2(error, capsys):
    assert refused(error, OwnError) == 2
    assert capsys.readouterr().err == "leowatch demo: no such day\n"


def test_a_taken_port_is_said_with_the_way_out(capsys):
    assert refused(OSError(errno.EADDRINUSE, "Address already in use")) == 2
    assert "name another with --port, or 0 for a free one" in capsys.readouterr().err


def test_a_library_that_the_demos_installation_lacks_is_said_with_how_to_get_it(capsys):
    assert refused(ModuleNotFoundError("No module named 'kafka'", name="kafka")) == 2
    assert capsys.readouterr().err.startswith("leowatch demo: kafka is not installed: `make setup` brings everything")


def test_an_error_that_nobody_foresaw_keeps_its_trace():
    with pytest.raises(OwnError), refusing("demo"):
        raise OwnError
