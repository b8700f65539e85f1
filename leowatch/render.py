"""What is generated from the code and committed: dictionary, schemas, boards, rules; CI fails if one is stale."""

import json
from pathlib import Path

import msgspec

from dashboards.render import render as render_wall
from leowatch.dictionary import dictionary
from simulators.contract.truth import file_schema
from streams.contract.catalogue import CATALOGUE, json_schema

SCHEMAS = Path("docs/schemas/events")


def files() -> dict[Path, bytes]:
    """Return the bytes of every generated file by its name within the repository, the wall's own left out."""
    schemas = {
        SCHEMAS / f"{e.kind}.schema.json": json.dumps(json_schema(e), indent=2).encode() + b"\n" for e in CATALOGUE
    }
    return {
        Path("docs/data-dictionary.md"): dictionary().encode(),
        Path("leowatch/score/truth.schema.json"): msgspec.json.format(msgspec.json.encode(file_schema()), indent=2)
        + b"\n",
        **schemas,
    }


def render(root: Path, *, check: bool) -> list[str]:
    """Write what is not as the code says, or with `check` only name it; return the names.

    Args:
        root: The checkout.
        check: Write nothing.
    """
    wanted = files()
    stale = [name for name, content in wanted.items() if not _same(root / name, content)]
    leftovers = [p for p in (root / SCHEMAS).glob("*.json") if p.relative_to(root) not in wanted]
    if not check:
        for name in stale:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(wanted[name])
        for path in leftovers:
            path.unlink()
    mine = [str(name) for name in stale] + [str(path.relative_to(root)) for path in leftovers]
    return sorted(mine + render_wall(root, check=check))


def _same(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content
