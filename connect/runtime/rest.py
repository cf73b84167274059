"""Kafka Connect's REST API as an ASGI application: which handler answers which request.

Paths follow ``org.apache.kafka.connect.runtime.rest``. Handlers run in a thread pool, so that one
slow request does not hold up the others, and what they raise becomes a status code.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connect.config import parse_list
from connect.errors import CdcError, ConfigError, DataError
from connect.runtime.rest_api import Api, Call, refusal
from connect.runtime.status import RequestError

if TYPE_CHECKING:
    from connect.runtime.standalone import Worker

_logger = logging.getLogger(__name__)


def _routes(api: Api, *, admin: bool) -> list[Route]:
    one = "/connectors/{name}"
    plugin = "/connector-plugins/{plugin}/config"
    table: list[tuple[str, str, Callable[[Call], Response]]] = [
        ("GET", "/", api.root),
        ("GET", "/health", api.health),
        ("GET", "/metrics", api.metrics),
        ("GET", "/connectors", api.list),
        ("POST", "/connectors", api.create),
        ("GET", one, api.info),
        ("DELETE", one, api.delete),
        ("GET", f"{one}/config", api.config),
        ("PUT", f"{one}/config", api.put_config),
        ("PATCH", f"{one}/config", api.patch_config),
        ("GET", f"{one}/status", api.status),
        ("POST", f"{one}/restart", api.restart),
        ("PUT", f"{one}/pause", api.pause),
        ("PUT", f"{one}/resume", api.resume),
        ("PUT", f"{one}/stop", api.stop),
        ("GET", f"{one}/tasks", api.tasks),
        ("GET", f"{one}/tasks-config", api.tasks_config),
        ("GET", f"{one}/tasks/{{task}}/status", api.task_status),
        ("POST", f"{one}/tasks/{{task}}/restart", api.restart_task),
        ("GET", f"{one}/topics", api.topics),
        ("PUT", f"{one}/topics/reset", api.reset_topics),
        ("GET", f"{one}/offsets", api.offsets),
        ("PATCH", f"{one}/offsets", api.alter_offsets),
        ("DELETE", f"{one}/offsets", api.reset_offsets),
        ("GET", "/connector-plugins", api.plugins),
        ("GET", plugin, api.plugin_config),
        ("PUT", f"{plugin}/validate", api.validate),
    ]
    if admin:
        table += [
            ("GET", "/admin/loggers", api.loggers),
            ("GET", "/admin/loggers/{logger}", api.logger),
            ("PUT", "/admin/loggers/{logger}", api.set_logger),
        ]
    by_path: dict[str, dict[str, Callable[[Call], Response]]] = {}
    for method, path, handler in table:
        by_path.setdefault(path, {})[method] = handler
    return [
        Route(shown, _endpoint(handlers), methods=list(handlers))
        for path, handlers in by_path.items()
        for shown in sorted({path, path.rstrip("/") + "/"})
    ]


def _endpoint(
    handlers: Mapping[str, Callable[[Call], Response]],
) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        handler = handlers["GET" if request.method == "HEAD" else request.method]
        query: dict[str, list[str]] = {}
        for key, value in request.query_params.multi_items():
            query.setdefault(key, []).append(value)
        call = Call(request.path_params, query, await request.body())
        try:
            return await run_in_threadpool(handler, call)
        except RequestError as error:
            return refusal(error.status, str(error))
        except (ConfigError, DataError) as error:
            return refusal(400, str(error))
        except CdcError as error:
            return refusal(500, str(error))
        except Exception as error:
            _logger.exception("%s %s", request.method, request.url.path)
            return refusal(500, f"{type(error).__name__}: {error}")

    return endpoint


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(error.status_code, f"HTTP {error.status_code} {error.detail}")


def application(worker: Worker) -> Starlette:
    """The API as an ASGI application."""
    middleware = []
    if worker.config.allow_origin:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=parse_list(worker.config.allow_origin),
            allow_methods=parse_list(worker.config.allow_methods) or ["GET", "POST", "HEAD"],
        )
        middleware.append(cors)
    return Starlette(
        routes=_routes(Api(worker), admin=worker.config.admin_listeners is None),
        middleware=middleware,
        exception_handlers={HTTPException: _http_error},
    )
