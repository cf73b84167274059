"""From two URLs to the worker and connector settings that mirror one into the other."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from connect.errors import ConfigError
from connect.sql_url import FILES, SqlUrl, parse

SOURCE = "mirror-source"
SINK = "mirror-sink"


@dataclass(frozen=True)
class MirrorPlan:
    """Settings by file. ``sink`` is None where the target is Kafka itself."""

    worker: dict[str, str]
    source: dict[str, str]
    sink: dict[str, str] | None
    data_topics: str
    """What the names of the topics of the mirrored tables begin with."""

    @property
    def connectors(self) -> list[dict[str, str]]:
        """The settings of each connector, the source's first."""
        return [self.source] if self.sink is None else [self.source, self.sink]

    def files(self) -> str:
        """All of it as the files ``cdc run`` takes, secrets included."""
        parts = {"worker.properties": self.worker, "source.properties": self.source}
        if self.sink is not None:
            parts["sink.properties"] = self.sink
        text = []
        for name, settings in parts.items():
            text.append(f"# {name}")
            text += [f"{key}={_escaped(value)}" for key, value in settings.items()]
            text.append("")
        sink = " sink.properties" if self.sink is not None else ""
        text.append(f"# cdc run --worker worker.properties source.properties{sink}")
        return "\n".join(text)


def source_url(url: str) -> SqlUrl:
    """The source of a mirror or tail: a MySQL server and its database."""
    found = parse(url, key="SOURCE_URL")
    if found.backend != "mysql":
        raise ConfigError(
            "SOURCE_URL",
            f"SOURCE_URL names a {found.backend} database, which cannot be streamed from.",
            cure="Give mysql://user:password@host:3306/database.",
        )
    return found


def source_settings(
    url: SqlUrl, tables: Sequence[str], *, prefix: str, server_id: int
) -> dict[str, str]:
    """Debezium's keys for a source of the URL's database, or of all without one."""
    settings = {
        "name": SOURCE,
        "connector.class": "io.debezium.connector.mysql.MySqlConnector",
        "tasks.max": "1",
        "topic.prefix": prefix,
        "database.hostname": url.host or "localhost",
        "database.port": str(url.port or 3306),
        "database.user": url.user or "root",
        "database.password": url.password,
        "database.server.id": str(server_id),
    }
    if url.database:
        settings["database.include.list"] = re.escape(url.database)
    if tables:
        settings["table.include.list"] = ",".join(
            table if "." in table or not url.database else rf"{re.escape(url.database)}\.{table}"
            for table in tables
        )
    return settings


def mirror_plan(
    source: str, target: str, tables: Sequence[str], *, state: Path, prefix: str
) -> MirrorPlan:
    """The settings of one mirror. ConfigError where a URL is wrong."""
    url = source_url(source)
    settings = source_settings(
        url, tables, prefix=prefix, server_id=_server_id(source, target, state)
    )
    settings["schema.history.internal.kafka.topic"] = f"{prefix}.schema-history"
    settings["skipped.operations"] = "none"
    # So often, about, is a quiet server's position stored.
    settings["connect.keep.alive.interval.ms"] = "2500"
    worker = {
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        # A null is mirrored as a null, also in a column that has a default.
        "value.converter.replace.null.with.default": "false",
        "offset.storage.file.filename": str(state / "offsets"),
        "offset.flush.interval.ms": "1000",
        "listeners": "http://127.0.0.1:0",
    }
    if target.startswith("kafka://"):
        brokers = urlsplit(target).netloc
        worker |= {"bootstrap.servers": brokers, "listeners": "http://127.0.0.1:8083"}
        settings["schema.history.internal.kafka.bootstrap.servers"] = brokers
        return MirrorPlan(worker, settings, None, f"{prefix}.")
    worker["log.file"] = str(state / "log.db")
    if not url.database:
        raise ConfigError(
            "SOURCE_URL",
            "SOURCE_URL names no database to mirror.",
            cure="Add it at the end: mysql://user:password@host:3306/shop.",
        )
    data_topics = f"{prefix}.{url.database}."
    topics = re.escape(data_topics)
    sink = {
        "name": SINK,
        "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
        "tasks.max": "1",
        "topics.regex": f"{topics}.*",
        "connection.url": _with_path(parse(target, key="TARGET_URL"), target),
        "insert.mode": "upsert",
        "pk.mode": "record_key",
        "delete.enabled": "true",
        "auto.create": "true",
        "auto.evolve": "true",
        "transforms": "table",
        "transforms.table.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.table.regex": f"{topics}(.*)",
        "transforms.table.replacement": "$1",
    }
    return MirrorPlan(worker, settings, sink, data_topics)


def _with_path(target: SqlUrl, text: str) -> str:
    """The task runs elsewhere: a file's path is made absolute."""
    if target.backend in FILES and target.database != ":memory:":
        return f"{target.backend}:///{Path(target.database).absolute()}"
    return text


def _server_id(source: str, target: str, state: Path) -> int:
    """A replica id of our own, the same at each run of the same mirror."""
    mark = "\0".join((source, target, str(state.absolute())))
    return 1_000_000_000 + zlib.crc32(mark.encode()) % 1_000_000_000


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
