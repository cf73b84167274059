"""Where the history is kept: an append-only list of texts, each one history record."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Self

from connect.config import Config, Importance, boolean, class_name
from connect.errors import ConfigError
from connect.log.contract import Log

_logger = logging.getLogger(__name__)

PREFIX = "schema.history.internal."
_GROUP = "Schema History"


class HistoryConfig(Config):
    """The keys of every history; a store declares its own in a subclass."""

    history = class_name(
        "schema.history.internal",
        "io.debezium.storage.kafka.history.KafkaSchemaHistory",
        doc="Where DDL is kept.",
        group=_GROUP,
        importance=Importance.LOW,
    )
    history_skip_unparseable = boolean(
        PREFIX + "skip.unparseable.ddl",
        False,
        doc="Pass by DDL that cannot be read instead of stopping.",
        group=_GROUP,
        importance=Importance.LOW,
    )
    history_captured_tables = boolean(
        PREFIX + "store.only.captured.tables.ddl",
        False,
        doc="Keep DDL of captured tables only.",
        group=_GROUP,
        importance=Importance.LOW,
    )
    history_captured_databases = boolean(
        PREFIX + "store.only.captured.databases.ddl",
        False,
        doc="Keep DDL of captured databases only.",
        group=_GROUP,
        importance=Importance.LOW,
    )

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Self:
        """Read a store's keys; one that it does not know is warned of, or refused as a typo."""
        own = {name: text for name, text in settings.items() if name.startswith(PREFIX)}
        for name, near in cls.unknown(own):
            if near:
                raise ConfigError(name, f"There is no key {name}.", cure=f"Write {near}.")
            _logger.warning("%s is not a key of the schema history and is left alone.", name)
        return cls(settings)


class HistoryStore(ABC):
    """One connector's history. ``settings`` are the connector's own, all of them; ``log`` is the
    worker's, for a store that lives there."""

    config: ClassVar[type[HistoryConfig]] = HistoryConfig

    @abstractmethod
    def __init__(self, settings: Mapping[str, str], log: Log) -> None: ...

    @abstractmethod
    def exists(self) -> bool:
        """Whether anything was ever recorded."""

    @abstractmethod
    def create(self) -> None:
        """Make the empty store if there is none."""

    @abstractmethod
    def append(self, records: Sequence[bytes]) -> None:
        """Add records in order; they are durable when this returns."""

    @abstractmethod
    def read(self) -> Iterator[bytes]:
        """All records, oldest first."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
