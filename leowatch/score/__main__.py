"""`python -m leowatch.score`: the judge alone, without the rest of the front desk."""

import argparse
import json
import sys
from pathlib import Path

from leowatch.score.command import run
from leowatch.score.files import ScoreError


def main(arguments: list[str] | None = None) -> int:
    """Judge and print one JSON object; 2 where a file is missing or wrong."""
    parser = argparse.ArgumentParser(prog="leowatch score", description=__doc__)
    for name in ("truth", "events", "incidents", "pages"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("json", "html"):
        parser.add_argument(f"--{name}", type=Path, dest=f"{name}_file")
    for name in ("telemetry", "inventory"):
        parser.add_argument(f"--{name}", type=Path)
    try:
        found = run(**vars(parser.parse_args(arguments)))
    except ScoreError as error:
        print(f"leowatch score: {error}", file=sys.stderr)  # noqa: T201 - a command's own stderr
        return 2
    print(json.dumps(found))  # noqa: T201 - a command's own stdout
    return 0


if __name__ == "__main__":
    sys.exit(main())
