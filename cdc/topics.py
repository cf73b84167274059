"""Topic names, as ``io.debezium.schema.DefaultTopicNamingStrategy`` forms them."""

from __future__ import annotations

import re
from functools import cached_property

from cdc.config import MySqlConfig
from schema_history import TableId

_LONGEST = 249


def sanitize(name: str) -> str:
    """A name Kafka accepts: other characters become underscores, what is too long is cut."""
    name = re.sub(r"[^A-Za-z0-9._\-]", "_", name)
    if name in (".", ".."):
        return name.replace(".", "_")
    return name[:_LONGEST]


class Topics:
    def __init__(self, config: MySqlConfig) -> None:
        self._config = config
        self.prefix = config.topic_prefix

    def data(self, table: TableId) -> str:
        delimiter = self._config.topic_delimiter
        return sanitize(delimiter.join((self.prefix, table.database, table.table)))

    @cached_property
    def schema_changes(self) -> str:
        return sanitize(self.prefix)

    @cached_property
    def heartbeat(self) -> str:
        config = self._config
        prefix = config.heartbeat_topics_prefix or config.topic_heartbeat_prefix
        return sanitize(
            config.topic_heartbeat_name or config.topic_delimiter.join((prefix, self.prefix))
        )
