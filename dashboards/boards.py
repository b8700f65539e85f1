"""Every board, as Grafana reads it."""

from typing import Any

import msgspec
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.fleet import fleet

# The SDK gives these to every variable; Grafana knows them for intervals alone.
_OF_INTERVALS = ("auto", "auto_min", "auto_count")


def boards() -> dict[str, Any]:
    """Return each board as plain data by the name of its file."""
    return {"fleet": as_grafana_reads_it(fleet())}


def as_grafana_reads_it(board: Dashboard) -> Any:
    """Return plain data in which each panel has a number of its own, the same at every rendering."""
    content = msgspec.json.decode(JSONEncoder().encode(board.build()))
    for number, panel in enumerate(content["panels"], start=1):
        panel["id"] = number
    for variable in content["templating"]["list"]:
        for name in _OF_INTERVALS:
            variable.pop(name, None)
    return content
