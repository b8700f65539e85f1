"""The command line: what a person types; each command composes rooms and leaves the work to them."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Telemetry and observability for a LEO network.")


@app.command()
def render(
    root: Annotated[Path, typer.Option(help="The checkout to write into.")] = Path(),
    check: Annotated[bool, typer.Option(help="Write nothing; fail if a generated file is stale.")] = False,
) -> None:
    """Write what is generated from the contracts: schemas, data dictionary, boards, rules."""
    from leowatch.render import render as render_all  # noqa: PLC0415 - a command loads only its own rooms

    stale = render_all(root, check=check)
    for name in stale:
        typer.echo(f"{'stale' if check else 'written'}: {name}")
    if check and stale:
        typer.echo("run `make render` and commit what it writes", err=True)
        raise typer.Exit(1)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
