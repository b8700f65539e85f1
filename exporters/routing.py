"""What goes where: ordinary handovers go to Parquet and are counted elsewhere; deviations and all else go everywhere (design section 4)."""

from collections.abc import Iterable
from typing import Any

_HANDOVERS = frozenset({"handover", "gateway_handover"})


def is_ordinary(event: dict[str, Any]) -> bool:
    """Say whether an event is a handover that went as planned, or for which there was no plan, and that did no harm."""
    if event["kind"] not in _HANDOVERS:
        return False
    strange = event.get("ping_pong") or event.get("short_stay")
    return not strange and event.get("conformance", "on_time") == "on_time"


def remarkable(events: Iterable[dict[str, Any]], *, ordinary_too: bool = False) -> list[dict[str, Any]]:
    """Return the events that a sink of few events takes."""
    return [event for event in events if ordinary_too or not is_ordinary(event)]
