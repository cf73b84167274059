"""Debezium's MySQL connector: what the worker sees of the binlog source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import ClassVar

from cdc.config import MySqlConfig
from cdc.connection import Endpoint, Server
from cdc.envelope import VERSION
from cdc.handover import Handover
from cdc.reader import Reader
from connect import plugins
from connect.batch import SourceBatch, SourceOffset
from connect.config import Config
from connect.connector import SourceConnector, SourceTask, TaskContext
from connect.errors import CdcError, ConfigError, RetriableError
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
        query_timeout=config.query_timeout / 1000,
    )


def history_findings(settings: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the keys of the schema history, by key."""
    name = MySqlConfig(settings).history
    store: type[HistoryStore] = plugins.load(plugins.Group.HISTORIES, name)
    return {
        result.key.name: result.errors[0]
        for result in store.config.validate(settings)
        if result.errors
    }


class MySqlTask(SourceTask):
    """Reads in a thread of its own; ``poll`` hands on what it has.

    After a fault of the moment the reading begins anew behind what was handed on.
    """

    def __init__(self, context: TaskContext) -> None:
        super().__init__(context)
        self._offset: SourceOffset | None = None
        self._store: HistoryStore | None = None
        self._reader: Reader | None = None
        self._handover: Handover | None = None

    def start(self, config: Mapping[str, str]) -> None:
        self._config = MySqlConfig(config)
        self._offset = self.context.offsets.offset({"server": self._config.topic_prefix})
        history: type[HistoryStore] = plugins.load(plugins.Group.HISTORIES, self._config.history)
        if self._store is None:
            self._store = history(config, self.context.log)
        self._begin(prepare=True)

    def poll(self) -> Sequence[SourceBatch]:
        handover, reader = self._handover, self._reader
        if handover is None or reader is None:
            handover, reader = self._begin()
        try:
            batches = handover.take(self._config.max_batch_size, _TAKE_SECONDS)
        except RetriableError:
            self._end()
            raise
        last = next((batch.offsets for batch in reversed(batches) if batch.offsets), None)
        if last is not None:
            self._offset = last[-1]
        self.context.gauge("lag_ms", reader.lag_ms)
        self.context.gauge("queue_records", handover.records())
        return batches

    def stop(self) -> None:
        self._end()
        if self._store is not None:
            self._store.close()

    def _begin(self, *, prepare: bool = False) -> tuple[Handover, Reader]:
        assert self._store is not None
        offset = self._offset
        reader = Reader(
            self._config,
            endpoint(self._config),
            self._store,
            task=self.context.task,
            gauge=self.context.gauge,
            wait=lambda seconds: handover.wait(seconds),
        )
        if prepare:
            reader.prepare()
        handover = Handover(self._config.max_queue_size, lambda: reader.batches(offset))
        handover.start()
        self._handover, self._reader = handover, reader
        return handover, reader

    def _end(self) -> None:
        if self._reader is not None:
            self._reader.close()
        if self._handover is not None:
            self._handover.stop(self._config.shutdown_timeout / 1000)
        self._handover = self._reader = None


class MySqlConnector(SourceConnector):
    config: ClassVar[type[Config]] = MySqlConfig
    version: ClassVar[str] = VERSION
    task: ClassVar[type[SourceTask]] = MySqlTask

    def task_configs(self, settings: Mapping[str, str], max_tasks: int) -> list[dict[str, str]]:
        return [dict(settings)]

    def check(self, settings: Mapping[str, str]) -> dict[str, list[str]]:
        """Whether the server can be reached with these settings."""
        try:
            if wrong := history_findings(settings):
                return {key: [text] for key, text in wrong.items()}
            config = MySqlConfig(settings)
            place = replace(endpoint(config), connect_timeout=config.validation_timeout / 1000)
            with closing(place.connect()) as connection:
                Server.ask(connection)
        except ConfigError as error:
            return {error.key: [str(error)]}
        except CdcError as error:
            return {"database.hostname": [str(error)]}
        return {}
