"""The REST API's paths, bodies and status codes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connect.runtime.standalone import Worker
from tests.connect.runtime.conftest import MODULE, until

SOURCE = f"{MODULE}:CounterSource"
CONFIG = {"connector.class": SOURCE, "counter.topic": "numbers"}


@pytest.fixture
def rest(worker: Worker) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=worker.url, timeout=30) as client:
        yield client


def refused(response: httpx.Response, status: int, message: str) -> None:
    assert response.status_code == status
    body = response.json()
    assert body == {"error_code": status, "message": body["message"]}
    assert message in body["message"]


def status(rest: httpx.Client, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = rest.get(f"/connectors/{name}/status").json()
    return answer


def create(rest: httpx.Client, name: str = "a", **more: str) -> None:
    response = rest.post("/connectors", json={"name": name, "config": CONFIG | more})
    assert response.status_code == 201
    until(lambda: len(status(rest, name)["tasks"]) == 1, "a task")
    until(lambda: status(rest, name)["tasks"][0]["state"] == "RUNNING", "running")


def test_the_worker(rest: httpx.Client, worker: Worker) -> None:
    assert rest.get("/").json() == {
        "version": "4.3.0",
        "commit": "",
        "kafka_cluster_id": worker.cluster_id,
    }
    assert rest.get("/health").json()["status"] == "healthy"
    refused(rest.get("/nothing"), 404, "HTTP 404 Not Found")
    refused(rest.delete("/connectors"), 405, "HTTP 405 Method Not Allowed")


def test_a_connector_from_beginning_to_end(rest: httpx.Client) -> None:
    assert rest.get("/connectors").json() == []
    made = rest.post("/connectors", json={"name": " a ", "config": CONFIG})
    assert made.status_code == 201
    assert made.headers["location"] == "/connectors/a"
    assert made.json() == {
        "name": "a",
        "config": {**CONFIG, "name": "a"},
        "tasks": [],
        "type": "source",
    }
    until(lambda: status(rest, "a")["tasks"], "a task")
    until(lambda: status(rest, "a")["tasks"][0]["state"] == "RUNNING", "running")
    assert status(rest, "a") == {
        "name": "a",
        "connector": {"state": "RUNNING", "worker_id": "worker:8083"},
        "tasks": [{"id": 0, "state": "RUNNING", "worker_id": "worker:8083"}],
        "type": "source",
    }
    info = rest.get("/connectors/a").json()
    assert info["tasks"] == [{"connector": "a", "task": 0}]
    assert rest.get("/connectors/a/config").json() == info["config"]
    assert rest.get("/connectors/a/tasks").json() == [
        {
            "id": {"connector": "a", "task": 0},
            "config": {**CONFIG, "name": "a", "task.number": "0"},
        }
    ]
    assert list(rest.get("/connectors/a/tasks-config").json()) == ["a-0"]
    assert rest.get("/connectors/a/tasks/0/status").json() == status(rest, "a")["tasks"][0]
    assert rest.get("/connectors?expand=status&expand=info&expand=x").json() == {
        "a": {"status": status(rest, "a"), "info": info}
    }
    until(lambda: rest.get("/connectors/a/topics").json()["a"]["topics"], "a topic")
    assert rest.get("/connectors/a/topics").json() == {"a": {"topics": ["numbers"]}}
    assert rest.put("/connectors/a/topics/reset").status_code == 202
    assert rest.get("/connectors/a/topics").json() == {"a": {"topics": []}}
    gone = rest.delete("/connectors/a")
    assert (gone.status_code, gone.content) == (204, b"")
    refused(rest.get("/connectors/a"), 404, "Connector a not found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/config"),
        ("GET", "/status"),
        ("GET", "/tasks"),
        ("GET", "/topics"),
        ("GET", "/offsets"),
        ("GET", "/tasks/0/status"),
        ("POST", "/restart"),
        ("POST", "/tasks/0/restart"),
        ("PUT", "/pause"),
        ("PUT", "/resume"),
        ("PUT", "/stop"),
        ("DELETE", ""),
        ("DELETE", "/offsets"),
    ],
)
def test_a_connector_that_is_not_there(rest: httpx.Client, method: str, path: str) -> None:
    refused(rest.request(method, f"/connectors/no{path}"), 404, "Connector no not found")


def test_changing_the_configuration(rest: httpx.Client) -> None:
    made = rest.put("/connectors/a/config", json=CONFIG)
    assert (made.status_code, made.headers["location"]) == (201, "/connectors/a")
    changed = rest.put("/connectors/a/config", json={**CONFIG, "counter.rows": 5})
    assert changed.status_code == 200
    assert changed.json()["config"]["counter.rows"] == "5"
    patched = rest.patch("/connectors/a/config", json={"counter.rows": None, "tasks.max": "1"})
    assert patched.json()["config"] == {**CONFIG, "name": "a", "tasks.max": "1"}
    refused(
        rest.put("/connectors/a/config", json={**CONFIG, "name": "b"}),
        400,
        "Connector name configuration (b) doesn't match connector name in the URL (a)",
    )
    refused(rest.post("/connectors", json={"name": "a", "config": CONFIG}), 409, "already exists")


def test_requests_that_make_no_sense(rest: httpx.Client) -> None:
    refused(rest.post("/connectors", content=b"{"), 400, "not valid JSON")
    refused(rest.post("/connectors", json=[]), 400, "not a JSON object")
    refused(rest.post("/connectors", json={"name": "", "config": {}}), 400, "cannot be empty")
    refused(rest.post("/connectors", json={"name": "a", "config": {}}), 400, "connector.class")
    refused(
        rest.post(
            "/connectors", json={"name": "a", "config": {**CONFIG, "connector.class": "x.Y"}}
        ),
        400,
        "Failed to find any class that implements connectors and which name matches x.Y.",
    )


def test_an_invalid_configuration_lists_its_errors(rest: httpx.Client) -> None:
    config = {**CONFIG, "counter.rows": "0", "errors.tolerance": "some", "transforms": "t"}
    response = rest.post("/connectors", json={"name": "a", "config": config})
    lines = response.json()["message"].splitlines()
    assert response.status_code == 400
    assert lines[0] == ("Connector configuration is invalid and contains the following 3 error(s):")
    assert "Invalid value some for configuration errors.tolerance" in lines[1]
    assert "Invalid value 0 for configuration counter.rows" in lines[2]
    assert 'Missing required configuration "transforms.t.type"' in lines[3]
    assert lines[4] == (
        "You can also find the above list of errors at the endpoint "
        "`/connector-plugins/{connectorType}/config/validate`"
    )
    assert rest.get("/connectors").json() == []


def test_validate(rest: httpx.Client) -> None:
    path = f"/connector-plugins/{SOURCE}/config/validate"
    config = {**CONFIG, "name": "a", "counter.secret": "s3cret", "counter.rows": "x"}
    answer = rest.put(path, json=config).json()
    assert answer["name"] == SOURCE
    assert answer["error_count"] == 1
    assert answer["groups"] == [
        "Common",
        "Transforms",
        "Predicates",
        "Error Handling",
        "Topic Creation",
    ]
    by_name = {entry["definition"]["name"]: entry for entry in answer["configs"]}
    assert by_name["tasks.max"] == {
        "definition": {
            "name": "tasks.max",
            "type": "INT",
            "required": False,
            "default_value": "1",
            "importance": "HIGH",
            "documentation": "Most tasks to run.",
            "group": "Common",
            "width": "NONE",
            "display_name": "tasks.max",
            "dependents": [],
            "order": 3,
        },
        "value": {
            "name": "tasks.max",
            "value": "1",
            "recommended_values": [],
            "errors": [],
            "visible": True,
        },
    }
    assert by_name["counter.secret"]["value"]["value"] == "[hidden]"
    assert by_name["errors.tolerance"]["value"]["recommended_values"] == ["none", "all"]
    assert by_name["counter.rows"]["value"]["errors"] == [
        "Invalid value x for configuration counter.rows: Not a number of type INT"
    ]
    refused(
        rest.put(path, json={"connector.class": f"{MODULE}:FileSink"}),
        400,
        f"Included connector type {MODULE}:FileSink does not match request type {SOURCE}",
    )
    refused(rest.put(path, json={}), 400, "does not match request type")


def test_validate_looks_into_transforms(rest: httpx.Client) -> None:
    kind = "org.apache.kafka.connect.transforms.RegexRouter"
    transform = {"transforms": "r", "transforms.r.type": kind, "transforms.r.regex": "a"}
    path = f"/connector-plugins/{SOURCE}/config/validate"
    answer = rest.put(path, json={**CONFIG, "name": "a", **transform}).json()
    errors = {
        entry["value"]["name"]: entry["value"]["errors"]
        for entry in answer["configs"]
        if entry["value"]["errors"]
    }
    assert errors == {
        "transforms.r.replacement": [
            'Missing required configuration "transforms.r.replacement" which has no default value.'
        ]
    }


def test_plugins(rest: httpx.Client) -> None:
    plugins = rest.get("/connector-plugins").json()
    everything = rest.get("/connector-plugins?connectorsOnly=false").json()
    assert {plugin["type"] for plugin in plugins} <= {"source", "sink"}
    assert [plugin for plugin in everything if plugin["type"] in ("source", "sink")] == plugins
    keys = rest.get(f"/connector-plugins/{SOURCE}/config").json()
    assert "counter.topic" in [key["name"] for key in keys]
    refused(rest.get("/connector-plugins/x.Y/config"), 404, "Unknown plugin x.Y.")


def test_states(rest: httpx.Client) -> None:
    create(rest)
    for action, state in (("pause", "PAUSED"), ("resume", "RUNNING")):
        answer = rest.put(f"/connectors/a/{action}")
        assert (answer.status_code, answer.content) == (202, b"")
        until(
            lambda state=state: status(rest, "a")["tasks"][0]["state"] == state,  # type: ignore[misc]
            state,
        )
    assert rest.post("/connectors/a/restart").status_code == 204
    again = rest.post("/connectors/a/restart?includeTasks=true&onlyFailed=false")
    assert again.status_code == 202
    assert again.json()["connector"]["state"] == "RESTARTING"
    assert again.json()["tasks"][0]["state"] == "RESTARTING"
    until(lambda: status(rest, "a")["tasks"][0]["state"] == "RUNNING", "running")
    assert rest.post("/connectors/a/tasks/0/restart").status_code == 204
    refused(rest.post("/connectors/a/tasks/9/restart"), 404, "Unknown task: a-9")
    assert rest.put("/connectors/a/stop").status_code == 204
    assert status(rest, "a")["connector"]["state"] == "STOPPED"
    assert status(rest, "a")["tasks"] == []


def test_a_failed_task_shows_its_trace(rest: httpx.Client) -> None:
    config = {**CONFIG, "counter.fault": "start"}
    rest.post("/connectors", json={"name": "a", "config": config})
    until(lambda: "trace" in str(status(rest, "a")), "a trace")
    task = status(rest, "a")["tasks"][0]
    assert task["state"] == "FAILED"
    assert "SourceError: The counter is broken." in task["trace"]


def test_offsets(rest: httpx.Client) -> None:
    create(rest)
    until(lambda: rest.get("/connectors/a/offsets").json()["offsets"], "an offset")
    (entry,) = rest.get("/connectors/a/offsets").json()["offsets"]
    assert entry["partition"] == {"counter": 0}
    body = {"offsets": [{"partition": {"counter": 0}, "offset": {"n": 5}}]}
    refused(rest.patch("/connectors/a/offsets", json=body), 400, "must be in the STOPPED state")
    rest.put("/connectors/a/stop")
    altered = rest.patch("/connectors/a/offsets", json=body)
    assert altered.json() == {
        "message": "The offsets for this connector have been altered successfully"
    }
    assert rest.get("/connectors/a/offsets").json() == body
    refused(rest.patch("/connectors/a/offsets", json={"offsets": []}), 400, "need to be provided")
    refused(rest.patch("/connectors/a/offsets", json={"offsets": [{"partition": 1}]}), 400, "a map")
    reset = rest.delete("/connectors/a/offsets")
    assert reset.json()["message"].endswith("have been reset successfully")
    assert rest.get("/connectors/a/offsets").json() == {"offsets": []}


def test_loggers(rest: httpx.Client) -> None:
    changed = rest.put("/admin/loggers/connect.runtime.tests", json={"level": "debug"})
    assert changed.json() == ["connect.runtime.tests"]
    shown = rest.get("/admin/loggers/connect.runtime.tests").json()
    assert shown["level"] == "DEBUG"
    assert isinstance(shown["last_modified"], int)
    assert "root" in rest.get("/admin/loggers").json()
    refused(rest.get("/admin/loggers/no.such"), 404, "Logger no.such not found.")
    refused(rest.put("/admin/loggers/root", json={}), 400, "'level' parameter")
    refused(rest.put("/admin/loggers/root", json={"level": "LOUD"}), 404, "LOUD")


def test_secrets_are_never_shown(
    rest: httpx.Client, settings: dict[str, str], tmp_path: Path
) -> None:
    secrets = tmp_path / "secrets.properties"
    secrets.write_text("key=s3cret")
    given = settings | {
        "config.providers": "file",
        "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
        "offset.storage.file.filename": str(tmp_path / "other.offsets"),
        "log.file": str(tmp_path / "other.log"),
    }
    reference = f"${{file:{secrets}:key}}"
    with Worker(given) as worker, httpx.Client(base_url=worker.url, timeout=30) as other:
        create(other, "a", **{"counter.secret": reference})
        assert other.get("/connectors/a/config").json()["counter.secret"] == reference
        shown = [
            other.get(path).text
            for path in (
                "/connectors/a",
                "/connectors/a/tasks",
                "/connectors/a/tasks-config",
                "/connectors?expand=info",
            )
        ]
        path = f"/connector-plugins/{SOURCE}/config/validate"
        shown.append(other.put(path, json=other.get("/connectors/a/config").json()).text)
        assert all("s3cret" not in text for text in shown)
        assert worker.connector("a").tasks[0].settings["counter.secret"] == reference


def test_metrics(rest: httpx.Client) -> None:
    create(rest)
    until(
        lambda: (
            'cdc_lag_ms{connector="a",table="counter",task="0"} 1.5'
            in rest.get("/metrics").text.replace(
                'task="0",table="counter"', 'table="counter",task="0"'
            )
        ),
        "a gauge",
    )
    text = rest.get("/metrics").text
    assert "# TYPE cdc_task_records_total counter" in text
    assert 'cdc_task_running{connector="a",task="0"} 1.0' in text


def test_switches(settings: dict[str, str], tmp_path: Path) -> None:
    more = {
        "topic.tracking.enable": "false",
        "admin.listeners": "",
        "access.control.allow.origin": "http://page",
        "listeners": "http://127.0.0.1:0,http://127.0.0.1:0",
    }
    with Worker(settings | more) as worker, httpx.Client(base_url=worker.url) as rest:
        assert rest.get("/admin/loggers").status_code == 404
        create(rest)
        refused(rest.get("/connectors/a/topics"), 403, "Topic tracking is disabled.")
        answer = rest.get("/", headers={"Origin": "http://page"})
        assert answer.headers["access-control-allow-origin"] == "http://page"


def test_an_idle_connection_does_not_hold_up_the_end(settings: dict[str, str]) -> None:
    with Worker(settings) as worker:
        port = int(worker.url.rpartition(":")[2])
        idle = socket.create_connection(("127.0.0.1", port))
    idle.close()
