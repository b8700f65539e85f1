"""The telephone of docker-compose.yml."""

import http.client
import json
import threading
from http.server import ThreadingHTTPServer

import pytest

from dashboards.pager import Telephone, lines

ALERT = {
    "status": "firing", "startsAt": "2025-10-03T00:03:00Z", "labels": {"alertname": "GatewayIsolated", "incident_id": "inc-1"},
    "annotations": {"summary": "A gateway carries no traffic.", "runbook_url": "dashboards/runbooks/GatewayIsolated.md"},
}  # fmt: skip


@pytest.fixture
def post():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Telephone)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def send(path, body):
        connection = http.client.HTTPConnection(*server.server_address, timeout=5)
        connection.request("POST", path, body)
        status = connection.getresponse().status
        connection.close()
        return status

    yield send
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_page_is_a_line_that_says_to_whom_what_and_where_to_read_on(post, capsys):
    assert post("/page/noc", json.dumps({"alerts": [ALERT]})) == 200
    assert json.loads(capsys.readouterr().out) == {
        "to": "noc", "status": "firing", "alertname": "GatewayIsolated", "incident_id": "inc-1",
        "since": "2025-10-03T00:03:00Z", "summary": "A gateway carries no traffic.", "runbook": "dashboards/runbooks/GatewayIsolated.md",
    }  # fmt: skip


def test_a_heartbeat_is_no_line():
    assert lines("heartbeat", {"alerts": [ALERT]}) == []


@pytest.mark.parametrize("body", ["", "no json", "[]", "{}", '{"alerts": [1]}', '{"alerts": [{}]}'])
def test_what_is_no_page_is_refused_and_the_next_one_is_heard(post, body):
    assert post("/page/noc", body) == 400
    assert post("/page/noc", json.dumps({"alerts": []})) == 200
