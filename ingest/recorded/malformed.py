"""What is wrong with a recorded file, where, and how to mend it."""

from dataclasses import dataclass, field

# Enough to recognise what is wrong; the count says how much of it there is.
_EXAMPLES_COUNT = 5


class Malformed(ValueError):  # noqa: N818 - it reads as what the file is
    """A file that cannot be read at all; the message is `file:line: what; how to mend it`."""

    def __init__(self, name: str, what: str, how: str, line: int | None = None) -> None:
        """Say what is wrong and how to mend it."""
        super().__init__(f"{name}{'' if line is None else f':{line}'}: {what}; {how}")


@dataclass(frozen=True, slots=True)
class BadLines:
    """Lines that were left out.

    Attributes:
        count: How many.
        examples: The first of them, as `file:line: what`.
    """

    count: int = 0
    examples: tuple[str, ...] = ()


@dataclass(slots=True)
class BadLineTally:
    """Counts the bad lines of one file while it is read."""

    name: str
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, line: int, what: str) -> None:
        """Count one."""
        self.count += 1
        if len(self.examples) < _EXAMPLES_COUNT:
            self.examples.append(f"{self.name}:{line}: {what}")

    def settle(self, good_count: int, how: str) -> BadLines:
        """Return the bad lines, unless there is nothing else.

        Raises:
            Malformed: No line was good.
        """
        if good_count == 0:
            first = self.examples[0].removeprefix(f"{self.name}:") if self.examples else "no lines"
            raise Malformed(self.name, f"nothing to read in it ({first})", how)
        return BadLines(self.count, tuple(self.examples))
