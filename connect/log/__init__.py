"""The seam towards storage: see ``connect.log.contract``."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from connect import plugins
from connect.errors import ConfigError
from connect.log.contract import Log
from connect.plugins import Group


def open_log(settings: Mapping[str, str], stopping: threading.Event | None = None) -> Log:
    """The log a worker's settings name: Kafka where there is ``bootstrap.servers``, otherwise the
    embedded one in ``log.file``. Once ``stopping`` is set, nothing waits long for it."""
    if settings.get("bootstrap.servers"):
        name = "kafka"
    elif settings.get("log.file"):
        name = "embedded"
    else:
        raise ConfigError(
            "bootstrap.servers",
            'Missing required configuration "bootstrap.servers" which has no default value.',
            cure="Or set log.file, to use the embedded log in that file.",
        )
    log: Log = plugins.load(Group.LOGS, name)(settings)
    if stopping is not None:
        log.stopping = stopping
    return log
