"""`make env`: the settings of docker-compose.yml with secrets that nobody else has."""

import os
import re
import secrets
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

_RANDOM = re.compile(r"<random (\d+)>")
_HASH = re.compile(r"<sha256 of (\w+)>")


def filled(template: str, existing: str, random: Callable[[int], str]) -> str:
    """Return the existing text and, below it, every setting of the template that it lacks, with its secrets filled in."""
    known = dict(_settings(existing))
    added = []
    for name, value in _settings(template):
        if name not in known:
            value = _RANDOM.sub(lambda asked: random(int(asked[1])), value)  # noqa: PLW2901 - it is the same value
            known[name] = _HASH.sub(lambda asked: sha256(known[asked[1]].encode()).hexdigest(), value)
            added.append(f"{name}={known[name]}\n")
    return existing + "".join(added)


def _settings(text: str) -> list[tuple[str, str]]:
    lines = (line.strip() for line in text.splitlines())
    return [(name, value) for name, _, value in (line.partition("=") for line in lines if line[:1] not in {"", "#"})]


def _random(size_bytes: int) -> str:
    """Return random text; a dash in front would read as an option where it is an argument."""
    while (text := secrets.token_urlsafe(size_bytes)).startswith("-"):
        pass
    return text


def main(root: Path) -> None:
    """Write `.env`, readable by its owner alone."""
    file = root / ".env"
    existing = file.read_text(encoding="utf-8") if file.exists() else ""
    text = filled((root / ".env.example").read_text(encoding="utf-8"), existing, _random)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)
    sys.stdout.write(f"{file}: {'as it was' if text == existing else 'written'}\n")


if __name__ == "__main__":
    main(Path())
