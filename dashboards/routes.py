"""Alertmanager's routes: which team hears of an alert, how fast, and how often again."""

from typing import Any

from dashboards.alerts import WATCHDOG
from streams.contract.vocabulary import Audience, Severity

# RFC 2606: reaches nobody. Alertmanager 0.25 reads no address from a file or the environment, so whoever starts it
# puts the real one in its place; forgotten, it fails in the log at the first page instead of paging a stranger.
WEBHOOK_PLACEHOLDER = "http://webhook.invalid"

PAGED_TEAMS = tuple(audience.team for audience in Audience if audience.pages)
SILENT_TEAMS = (Audience.TENANT.team, Audience.NOBODY.team)
TICKET, SILENT, HEARTBEAT = "ticket", "silent", "heartbeat"

# One incident is one message: the correlator has damped it, so waiting for companions only costs time.
GROUP_WAIT = "5s"
GROUP_INTERVAL = "1m"
# Said again while nobody has put it right.
REPEAT = {Severity.CRITICAL: "4h", Severity.WARNING: "12h"}
TICKET_REPEAT = "5d"
# Half of what a dead-man's switch usually waits.
HEARTBEAT_REPEAT = "2m"


def alertmanager_config(webhook_url: str = WEBHOOK_PLACEHOLDER) -> dict[str, Any]:
    """Return the whole configuration; every receiver is a path under one webhook."""
    return {
        "route": {
            # An alert that no route knows is a fault of ours, and somebody must hear of it.
            "receiver": _page(Audience.PIPELINE_PAGE.team),
            "group_by": ["incident_id"],
            "group_wait": GROUP_WAIT,
            "group_interval": GROUP_INTERVAL,
            "repeat_interval": REPEAT[Severity.CRITICAL],
            "routes": _routes(),
        },
        "inhibit_rules": [_page_over_ticket()],
        "receivers": _receivers(webhook_url.rstrip("/")),
    }


def _routes() -> list[dict[str, Any]]:
    heartbeat = {"receiver": HEARTBEAT, "matchers": [f'alertname="{WATCHDOG.name}"']}
    pages = [
        {
            "receiver": _page(team),
            "matchers": [f'team="{team}"', f'severity="{severity}"'],
            "repeat_interval": REPEAT[severity],
        }
        for team in PAGED_TEAMS
        for severity in REPEAT
    ]
    teams = "|".join((*PAGED_TEAMS, Audience.TICKET.team))
    return [
        {**heartbeat, "repeat_interval": HEARTBEAT_REPEAT},
        *pages,
        {"receiver": TICKET, "matchers": [f'team=~"{teams}"'], "repeat_interval": TICKET_REPEAT},
        {"receiver": SILENT, "matchers": [f'team=~"{"|".join(SILENT_TEAMS)}"']},
    ]


def _page_over_ticket() -> dict[str, Any]:
    pages = "|".join(PAGED_TEAMS)
    return {
        "source_matchers": [f'team=~"{pages}"', f'severity=~"{"|".join(REPEAT)}"'],
        "target_matchers": [f'team="{Audience.TICKET.team}"'],
        "equal": ["incident_id"],
    }


def _receivers(webhook_url: str) -> list[dict[str, Any]]:
    pages = [_webhook(_page(team), f"{webhook_url}/page/{team}") for team in PAGED_TEAMS]
    return [
        *pages,
        _webhook(TICKET, f"{webhook_url}/ticket"),
        _webhook(HEARTBEAT, f"{webhook_url}/heartbeat", send_resolved=False),
        {"name": SILENT},
    ]


def _webhook(name: str, url: str, *, send_resolved: bool = True) -> dict[str, Any]:
    return {"name": name, "webhook_configs": [{"url": url, "send_resolved": send_resolved}]}


def _page(team: str) -> str:
    return f"{team}-page"
