"""Serves an ASGI application on the worker's listeners, in a thread of its own."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Sequence

import uvicorn
from starlette.applications import Starlette

from connect.errors import ConfigError
from connect.runtime.worker_config import Listener

_SHUTDOWN_SECONDS = 3


def _bind(listener: Listener) -> socket.socket:
    try:
        if listener.host:
            family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
            return socket.create_server(listener, family=family, backlog=128)
        if socket.has_dualstack_ipv6():
            return socket.create_server(
                ("", listener.port), family=socket.AF_INET6, dualstack_ipv6=True
            )
        return socket.create_server(("", listener.port))
    except OSError as error:
        where = f"{listener.host or 'any address'}, port {listener.port}"
        number = error.errno or 0
        reason = os.strerror(number) if number in errno.errorcode else error.strerror
        raise ConfigError(
            "listeners",
            f"REST cannot listen on {where}: {reason}.",
            cure="Is another worker running? Choose another with listeners=http://127.0.0.1:PORT.",
        ) from error


class RestServer:
    """Serves from the moment it is made until ``close``. ConfigError if it cannot listen."""

    def __init__(self, application: Starlette, listeners: Sequence[Listener]) -> None:
        self._sockets: list[socket.socket] = []
        try:
            for listener in listeners:
                self._sockets.append(_bind(listener))
        except ConfigError:
            self._close_sockets()
            raise
        self.address = Listener(listeners[0].host, self._sockets[0].getsockname()[1])
        settings = uvicorn.Config(
            application,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(
            target=self._server.run, args=(self._sockets,), name="rest", daemon=True
        )
        self._thread.start()
        while self._thread.is_alive() and not self._server.started:
            time.sleep(0.01)

    @property
    def url(self) -> str:
        host = self.address.host or "127.0.0.1"
        return f"http://{f'[{host}]' if ':' in host else host}:{self.address.port}"

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._close_sockets()

    def _close_sockets(self) -> None:
        for bound in self._sockets:
            bound.close()
