"""Debezium's MySQL connector: what the worker sees of the binlog source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import ClassVar

from cdc.config import MySqlConfig
from cdc.connection import Endpoint, Server
from cdc.envelope import VERSION
from cdc.handover import Handover
from cdc.reader import Reader
from connect import plugins
from connect.batch import SourceBatch
from connect.config import Config
from connect.connector import SourceConnector, SourceTask, TaskContext
from connect.errors import CdcError, ConfigError
from schema_history.storage import HistoryStore

_TAKE_SECONDS = 0.1


def endpoint(config: MySqlConfig) -> Endpoint:
    """Where the configuration says the server is."""
    return Endpoint(
        host=config.hostname,
        port=config.port,
        user=config.user,
        password=config.database_password or "",
        ssl_mode=config.ssl_mode,
        ca=config.ssl_truststore,
        certificate=config.ssl_keystore,
        key_password=config.ssl_keystore_password,
        connect_timeout=config.connect_timeout / 1000,
    )


class MySqlTask(SourceTask):
    """Reads in a thread of its own; ``poll`` hands on what it has."""

    def __init__(self, context: TaskContext) -> None:
        super().__init__(context)
        self._store: HistoryStore | None = None
        self._reader: Reader | None = None
        self._handover: Handover | None = None

    def start(self, config: Mapping[str, str]) -> None:
        self._config = MySqlConfig(config)
        history: type[HistoryStore] = plugins.load(plugins.Group.HISTORIES, self._config.history)
        self._store = history(config, self.context.log)
        stored = self.context.offsets.offset({"server": self._config.topic_prefix})
        reader = Reader(
            self._config,
            endpoint(self._config),
            self._store,
            task=self.context.task,
            gauge=self.context.gauge,
            wait=self._wait,
        )
        self._reader = reader
        self._handover = Handover(self._config.max_queue_size, lambda: reader.batches(stored))
        self._handover.start()

    def poll(self) -> Sequence[SourceBatch]:
        assert self._handover is not None
        assert self._reader is not None
        batches = self._handover.take(self._config.max_batch_size, _TAKE_SECONDS)
        self.context.gauge("lag_ms", self._reader.lag_ms())
        self.context.gauge("queue_records", self._handover.records())
        return batches

    def stop(self) -> None:
        if self._reader is not None:
            self._reader.close()
        if self._handover is not None:
            self._handover.stop(self._config.shutdown_timeout / 1000)
        if self._store is not None:
            self._store.close()

    def _wait(self, seconds: float) -> None:
        if seconds > 0 and self._handover is not None:
            self._handover.wait(seconds)


class MySqlConnector(SourceConnector):
    config: ClassVar[type[Config]] = MySqlConfig
    version: ClassVar[str] = VERSION
    task: ClassVar[type[SourceTask]] = MySqlTask

    def task_configs(self, settings: Mapping[str, str], max_tasks: int) -> list[dict[str, str]]:
        return [dict(settings)]

    def check(self, settings: Mapping[str, str]) -> dict[str, list[str]]:
        """Whether the server can be reached with these settings."""
        try:
            config = MySqlConfig(settings)
            with closing(endpoint(config).connect()) as connection:
                Server.ask(connection)
        except ConfigError as error:
            return {error.key: [str(error)]}
        except CdcError as error:
            return {"database.hostname": [str(error)]}
        return {}
