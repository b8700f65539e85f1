"""What a new Grafana finds: its sources and boards by file, with uids that never change."""

from typing import Any

PROMETHEUS, INFLUX = "leo-prometheus", "leo-influx"
FOLDER = "leowatch"
# Where docker-compose.yml mounts the generated boards.
BOARDS = "/etc/grafana/boards"


def datasources() -> dict[str, Any]:
    """Return the sources; Grafana itself puts `$NAME` in from its environment."""
    return {
        "apiVersion": 1,
        "prune": True,
        "datasources": [
            {
                "name": "Prometheus",
                "uid": PROMETHEUS,
                "type": "prometheus",
                "access": "proxy",
                "url": "$PROMETHEUS_URL",
                "isDefault": True,
                "editable": False,
                "jsonData": {"httpMethod": "POST", "timeInterval": "15s"},
            },
            {
                "name": "InfluxDB",
                "uid": INFLUX,
                "type": "influxdb",
                "access": "proxy",
                "url": "$INFLUX_URL",
                "editable": False,
                "jsonData": {"version": "Flux", "organization": "$INFLUX_ORG", "defaultBucket": "$INFLUX_BUCKET"},
                "secureJsonData": {"token": "$INFLUX_TOKEN"},
            },
        ],
    }


def boards() -> dict[str, Any]:
    """Return where the boards are; they are changed in code and not on the screen."""
    provider = {
        "name": FOLDER,
        "folder": FOLDER,
        "folderUid": FOLDER,
        "type": "file",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "options": {"path": BOARDS},
    }
    return {"apiVersion": 1, "providers": [provider]}
