"""The handlers of Kafka Connect's REST API: a call in, a response out.

Bodies, status codes and error texts follow ``org.apache.kafka.connect.runtime.rest.resources`` and
``entities``; the work is done by the worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson
from starlette.responses import Response

from connect import metrics, plugins
from connect.errors import PluginError
from connect.plugins import Group
from connect.runtime import connector_file
from connect.runtime.connector_file import ConnectorRequest
from connect.runtime.logger_admin import LoggerAdmin
from connect.runtime.status import ConnectorView, RequestError, State, TaskView
from connect.runtime.validation import (
    config_keys,
    connector_class,
    definitions_json,
    kind_of,
    validation_json,
)

if TYPE_CHECKING:
    from connect.runtime.standalone import Worker

KAFKA_VERSION = "4.3.0"
"""The version of Kafka Connect this API is that of, as clients ask for it."""

_PLUGIN_TYPES = {
    Group.CONVERTERS: "converter",
    Group.HEADER_CONVERTERS: "header_converter",
    Group.TRANSFORMS: "transformation",
    Group.PREDICATES: "predicate",
}


@dataclass(frozen=True)
class Call:
    """One request, as far as a handler needs it."""

    path: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: bytes

    @property
    def name(self) -> str:
        return self.path["name"]

    def json(self) -> object:
        """The body; RequestError (400) if it is not JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise RequestError(400, f"The body is not valid JSON: {error}") from error

    def object(self) -> dict[str, object]:
        body = self.json()
        if not isinstance(body, dict):
            raise RequestError(400, "The body is not a JSON object.")
        return body

    def settings(self) -> dict[str, str | None]:
        """The body as a flat map of settings, null values kept."""
        body = self.object()
        texts = {key: value for key, value in body.items() if value is not None}
        given = connector_file.settings_from_json(texts, "The request")
        return {key: given.get(key) for key in body}

    def flag(self, name: str, default: bool) -> bool:
        return self.query.get(name, [str(default)])[-1].lower() == "true"


def answer(value: object, status: int = 200, **headers: str) -> Response:
    return Response(orjson.dumps(value), status, headers, media_type="application/json")


def refusal(status: int, message: str) -> Response:
    return answer({"error_code": status, "message": message}, status)


def status_json(connector: ConnectorView, worker_id: str) -> dict[str, object]:
    def entry(state: State, trace: str) -> dict[str, object]:
        shown: dict[str, object] = {"state": state.value, "worker_id": worker_id}
        return shown | {"trace": trace} if trace else shown

    return {
        "name": connector.name,
        "connector": entry(connector.state, connector.trace),
        "tasks": [{"id": task.task} | entry(task.state, task.trace) for task in connector.tasks],
        "type": connector.kind.value,
    }


def task_id(task: TaskView) -> dict[str, object]:
    return {"connector": task.connector, "task": task.task}


def info_json(connector: ConnectorView) -> dict[str, object]:
    return {
        "name": connector.name,
        "config": connector.settings,
        "tasks": [task_id(task) for task in connector.tasks],
        "type": connector.kind.value,
    }


class Api:
    """One handler each; ``rest`` says which request it is for."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._loggers = LoggerAdmin(worker.set_level)

    # --- the worker ------------------------------------------------------------------------------

    def root(self, call: Call) -> Response:
        cluster = self.worker.cluster_id
        return answer({"version": KAFKA_VERSION, "commit": "", "kafka_cluster_id": cluster})

    def health(self, call: Call) -> Response:
        if self.worker.started and not self.worker.healthy:
            message = "Worker was unable to handle this request and may be unable to handle others."
            return answer({"status": "unhealthy", "message": message}, 500)
        if self.worker.started:
            message = "Worker has completed startup and is ready to handle requests."
            return answer({"status": "healthy", "message": message})
        message = "Worker is still starting up."
        return answer({"status": "starting", "message": message}, 503)

    def metrics(self, call: Call) -> Response:
        text = metrics.exposition(self.worker.samples())
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    def loggers(self, call: Call) -> Response:
        return answer(self._loggers.all())

    def logger(self, call: Call) -> Response:
        return answer(self._loggers.one(call.path["logger"]))

    def set_logger(self, call: Call) -> Response:
        changed = self._loggers.set(call.path["logger"], call.object().get("level"))
        if call.query.get("scope", ["worker"])[-1].lower() == "cluster":
            return Response(status_code=204)
        return answer(changed)

    # --- connectors ------------------------------------------------------------------------------

    def list(self, call: Call) -> Response:
        views = self.worker.connectors()
        if "expand" not in call.query:
            return answer([view.name for view in views])
        shown: dict[str, dict[str, object]] = {}
        for view in views:
            parts: dict[str, object] = {}
            for expansion in call.query["expand"]:
                if expansion == "status":
                    parts["status"] = status_json(view, self.worker.worker_id)
                elif expansion == "info":
                    parts["info"] = info_json(view)
            shown[view.name] = parts
        return answer(shown)

    def create(self, call: Call) -> Response:
        body = call.object()
        if isinstance(body.get("config"), dict):
            self._check_name(str(body.get("name", "")).strip(), body["config"])
        view = self.worker.create(connector_file.request_from_json(body, "The request"))
        return answer(info_json(view), 201, Location=f"/connectors/{quote(view.name)}")

    @staticmethod
    def _check_name(name: str, settings: object) -> None:
        assert isinstance(settings, dict)
        inner = settings.get("name", name)
        if inner != name:
            raise RequestError(
                400,
                f"Connector name configuration ({inner}) doesn't match connector name in the URL "
                f"({name})",
            )

    def info(self, call: Call) -> Response:
        return answer(info_json(self.worker.connector(call.name)))

    def config(self, call: Call) -> Response:
        return answer(self.worker.connector(call.name).settings)

    def put_config(self, call: Call) -> Response:
        settings = call.settings()
        self._check_name(call.name, settings)
        missing = [key for key, value in settings.items() if value is None]
        if missing:
            raise RequestError(
                400, f"Null value can not be supplied as the configuration value of {missing[0]}."
            )
        new = call.name not in self.worker.names()
        given = {key: value for key, value in settings.items() if value is not None}
        view = self.worker.configure(ConnectorRequest(call.name, given | {"name": call.name}))
        if not new:
            return answer(info_json(view))
        return answer(info_json(view), 201, Location=f"/connectors/{quote(view.name)}")

    def patch_config(self, call: Call) -> Response:
        changes = call.settings()
        self._check_name(call.name, changes)
        return answer(info_json(self.worker.patch(call.name, changes)))

    def delete(self, call: Call) -> Response:
        self.worker.delete(call.name)
        return Response(status_code=204)

    def status(self, call: Call) -> Response:
        return answer(status_json(self.worker.connector(call.name), self.worker.worker_id))

    def pause(self, call: Call) -> Response:
        self.worker.pause(call.name)
        return Response(status_code=202)

    def resume(self, call: Call) -> Response:
        self.worker.resume(call.name)
        return Response(status_code=202)

    def stop(self, call: Call) -> Response:
        self.worker.stop(call.name)
        return Response(status_code=204)

    def restart(self, call: Call) -> Response:
        include = call.flag("includeTasks", False)
        only_failed = call.flag("onlyFailed", False)
        view = self.worker.restart(call.name, include_tasks=include, only_failed=only_failed)
        if not include and not only_failed:
            return Response(status_code=204)
        return answer(status_json(view, self.worker.worker_id), 202)

    # --- tasks and topics ------------------------------------------------------------------------

    def tasks(self, call: Call) -> Response:
        tasks = self.worker.connector(call.name).tasks
        return answer([{"id": task_id(task), "config": task.settings} for task in tasks])

    def tasks_config(self, call: Call) -> Response:
        tasks = self.worker.connector(call.name).tasks
        return answer({f"{call.name}-{task.task}": task.settings for task in tasks})

    def _task_number(self, call: Call) -> int:
        if not call.path["task"].isdecimal():
            raise RequestError(404, "HTTP 404 Not Found")
        return int(call.path["task"])

    def task_status(self, call: Call) -> Response:
        number = self._task_number(call)
        status = status_json(self.worker.connector(call.name), self.worker.worker_id)
        tasks = status["tasks"]
        assert isinstance(tasks, list)
        if number >= len(tasks):
            raise RequestError(404, f"No status found for task {call.name}-{number}")
        return answer(tasks[number])

    def restart_task(self, call: Call) -> Response:
        self.worker.restart_task(call.name, self._task_number(call))
        return Response(status_code=204)

    def topics(self, call: Call) -> Response:
        if not self.worker.config.topic_tracking_enable:
            raise RequestError(403, "Topic tracking is disabled.")
        view = self.worker.connector(call.name)
        return answer({call.name: {"topics": list(view.topics)}})

    def reset_topics(self, call: Call) -> Response:
        if not self.worker.config.topic_tracking_enable:
            raise RequestError(403, "Topic tracking is disabled.")
        if not self.worker.config.topic_tracking_reset:
            raise RequestError(403, "Topic tracking reset is disabled.")
        self.worker.reset_topics(call.name)
        return Response(status_code=202)

    # --- offsets ---------------------------------------------------------------------------------

    def offsets(self, call: Call) -> Response:
        stored = self.worker.read_offsets(call.name)
        return answer(
            {"offsets": [{"partition": part, "offset": offset} for part, offset in stored]}
        )

    def alter_offsets(self, call: Call) -> Response:
        entries = call.object().get("offsets")
        if not isinstance(entries, list):
            entries = []
        changes = []
        for entry in entries:
            partition = entry.get("partition") if isinstance(entry, dict) else None
            offset = entry.get("offset") if isinstance(entry, dict) else None
            if not isinstance(partition, dict) or not isinstance(offset, dict | None):
                raise RequestError(
                    400,
                    "Each entry of offsets has a partition, a map, and an offset, a map or null.",
                )
            changes.append((partition, offset))
        self.worker.alter_offsets(call.name, changes)
        return answer({"message": "The offsets for this connector have been altered successfully"})

    def reset_offsets(self, call: Call) -> Response:
        self.worker.reset_offsets(call.name)
        return answer({"message": "The offsets for this connector have been reset successfully"})

    # --- plugins ---------------------------------------------------------------------------------

    def plugins(self, call: Call) -> Response:
        found = [
            {"class": name, "type": kind_of(plugin).value, "version": plugin.version}
            for name, plugin in plugins.classes(Group.CONNECTORS).items()
        ]
        if not call.flag("connectorsOnly", True):
            for group, kind in _PLUGIN_TYPES.items():
                found += [
                    {"class": name, "type": kind, "version": KAFKA_VERSION}
                    for name in plugins.classes(group)
                ]
        return answer(found)

    def plugin_config(self, call: Call) -> Response:
        name = call.path["plugin"]
        for group in (Group.CONNECTORS, *_PLUGIN_TYPES):
            try:
                plugin = plugins.load(group, name)
            except PluginError:
                continue
            return answer(definitions_json(config_keys(plugin)))
        raise RequestError(404, f"Unknown plugin {name}.")

    def validate(self, call: Call) -> Response:
        settings = call.settings()
        asked = call.path["plugin"]
        named = settings.get("connector.class")
        wanted = connector_class({"connector.class": asked})
        if not named or connector_class(settings) is not wanted:
            raise RequestError(
                400, f"Included connector type {named} does not match request type {asked}"
            )
        return answer(validation_json(self.worker.validate(settings)))
