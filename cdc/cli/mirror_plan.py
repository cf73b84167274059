"""From two URLs to the worker and connector settings that mirror one into the other."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cdc.config import MySqlConfig
from connect.errors import ConfigError
from connect.sql_url import FILES, MEMORY, SqlUrl, parse

SOURCE: Final = "mirror-source"
SINK: Final = "mirror-sink"

_JSON: Final = "org.apache.kafka.connect.json.JsonConverter"


@dataclass(frozen=True)
class MirrorPlan:
    """Settings by file. ``sink`` is None where the target is Kafka itself.

    ``identity`` tells mirrors apart, and has no secrets. ``data_topics`` is what the names of the
    topics of the mirrored tables begin with.
    """

    worker: dict[str, str]
    source: dict[str, str]
    sink: dict[str, str] | None
    state: Path
    identity: dict[str, str]
    data_topics: str

    @property
    def connectors(self) -> list[dict[str, str]]:
        """The settings of each connector, the source's first."""
        return [self.source] if self.sink is None else [self.source, self.sink]

    def files(self) -> str:
        """All of it as the files ``cdc run`` takes, secrets included."""
        # A mirror takes any free port for its REST; a service wants one that stays.
        worker = self.worker | {"listeners": "http://127.0.0.1:8083"}
        parts = {"worker.properties": worker, "source.properties": self.source}
        if self.sink is not None:
            parts["sink.properties"] = self.sink
        text = []
        for name, settings in parts.items():
            text.append(f"# {name}")
            text += [f"{key}={_escaped(value)}" for key, value in settings.items()]
            text.append("")
        connectors = " ".join(list(parts)[1:])
        text.append(f"# mkdir -p {self.state} && cdc run --worker worker.properties {connectors}")
        return "\n".join(text)


def source_url(url: str) -> SqlUrl:
    """The source of a mirror or tail: a MySQL server and its database.

    Parameters of the URL are keys of the source connector. ConfigError for others.
    """
    found = parse(url, key="SOURCE_URL")
    if found.backend != "mysql":
        raise ConfigError(
            "SOURCE_URL",
            f"SOURCE_URL names a {found.backend} database, which cannot be streamed from.",
            cure="Give mysql://user:password@host:3306/database.",
        )
    for name, near in MySqlConfig.unknown(found.options):
        raise ConfigError(
            "SOURCE_URL",
            f"The parameter {name} in SOURCE_URL is no key of the MySQL connector.",
            cure=f"Did you mean {near}?" if near else "For example: ?database.ssl.mode=required",
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
            _qualified(url.database, table) for item in tables for table in item.split(",")
        )
    return {**settings, **url.options}


def _qualified(database: str, table: str) -> str:
    """An expression for ``database.table`` names from one that may be for the tables alone."""
    starts = (f"{database}.", f"{database}\\.", f"{re.escape(database)}\\.")
    if not database or table.startswith(starts):
        return table
    return rf"{re.escape(database)}\.(?:{table})"


def mirror_plan(
    source: str,
    target: str,
    tables: Sequence[str],
    *,
    state: Path,
    prefix: str,
    exclude: Sequence[str] = (),
) -> MirrorPlan:
    """The settings of one mirror. ConfigError where a URL is wrong."""
    url = source_url(source)
    if tables and exclude:
        raise ConfigError(
            "--exclude", "--table and --exclude do not go together.", cure="Give one of them."
        )
    settings = source_settings(
        url, tables, prefix=prefix, server_id=_server_id(source, target, state)
    )
    if exclude:
        settings["table.exclude.list"] = ",".join(_qualified(url.database, t) for t in exclude)
    settings |= {
        "schema.history.internal.kafka.topic": f"{prefix}.schema-history",
        "skipped.operations": "none",
        # So often, about, is a quiet server's position stored.
        "connect.keep.alive.interval.ms": "2500",
        **url.options,
    }
    worker = {
        "key.converter": _JSON,
        "value.converter": _JSON,
        # A null is mirrored as a null, also in a column that has a default.
        "value.converter.replace.null.with.default": "false",
        "offset.storage.file.filename": str(state / "offsets"),
        "offset.flush.interval.ms": "1000",
        "listeners": "http://127.0.0.1:0",
    }
    if target.startswith("kafka:"):
        brokers = _brokers(target)
        worker["bootstrap.servers"] = brokers
        settings["schema.history.internal.kafka.bootstrap.servers"] = brokers
        data_topics, sink, place = f"{prefix}.", None, f"kafka://{brokers}"
    else:
        worker["log.file"] = str(state / "log.db")
        # A copy keeps what Debezium's defaults change: numbers from 2**63 on, and years below 100.
        settings.setdefault("bigint.unsigned.handling.mode", "precise")
        settings.setdefault("enable.time.adjuster", "false")
        data_topics = f"{prefix}.{url.database}."
        sink = _sink_settings(url, target, data_topics, exclude)
        place = str(parse(sink["connection.url"]))
    identity = {
        "source": str(url),
        "target": place,
        "tables": ",".join(sorted(tables)) or "all",
        "prefix": prefix,
    }
    return MirrorPlan(worker, settings, sink, state, identity, data_topics)


def _sink_settings(
    url: SqlUrl, target: str, data_topics: str, exclude: Sequence[str]
) -> dict[str, str]:
    if not url.database:
        raise ConfigError(
            "SOURCE_URL",
            "SOURCE_URL names no database to mirror.",
            cure="Add it at the end: mysql://user:password@host:3306/shop.",
        )
    place = parse(target, key="TARGET_URL")
    here = (url.host or "localhost", url.port or 3306, url.database)
    if (place.host or "localhost", place.port or 3306, place.database) == here:
        raise ConfigError("TARGET_URL", f"TARGET_URL is the source itself: {place}.")
    topics = re.escape(data_topics)
    # What an earlier run has sent of them is passed over as well.
    left_out = {
        "transforms": "excluded,table",
        "transforms.excluded.type": "org.apache.kafka.connect.transforms.Filter",
        "transforms.excluded.predicate": "excluded",
        "predicates": "excluded",
        "predicates.excluded.type": (
            "org.apache.kafka.connect.transforms.predicates.TopicNameMatches"
        ),
        "predicates.excluded.pattern": f"{topics}(?:{'|'.join(exclude)})",
    }
    return {
        "name": SINK,
        "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
        "tasks.max": "1",
        "topics.regex": f"{topics}.*",
        "connection.url": _absolute(target),
        "insert.mode": "upsert",
        "pk.mode": "record_key",
        "delete.enabled": "true",
        "auto.create": "true",
        "auto.evolve": "true",
        "transforms": "table",
        "transforms.table.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.table.regex": f"{topics}(.*)",
        "transforms.table.replacement": "$1",
        **(left_out if exclude else {}),
    }


def _brokers(target: str) -> str:
    brokers = urlsplit(target)
    if not brokers.netloc or "@" in brokers.netloc or brokers.path.strip("/") or brokers.query:
        raise ConfigError(
            "TARGET_URL",
            "TARGET_URL names no Kafka brokers in the form kafka://host:port,host:port.",
            cure="For a cluster that wants a login, take the files of --print-config, add its "
            "security.* and sasl.* keys to the worker's, and use 'cdc run'.",
        )
    return brokers.netloc


def _absolute(target: str) -> str:
    """The task runs elsewhere: a file's path is made absolute."""
    url = parse(target, key="TARGET_URL")
    if url.backend not in FILES:
        return target
    if url.database == MEMORY:
        raise ConfigError(
            "TARGET_URL",
            "TARGET_URL names no file, so the mirror would be gone at the end.",
            cure=f"Name one: {url.backend}:///shop.{url.backend}.",
        )
    return f"{url.backend}:///{Path(url.database).absolute()}"


def _server_id(source: str, target: str, state: Path) -> int:
    """A replica id of our own, the same at each run of the same mirror."""
    mark = "\0".join((source, target, str(state.absolute())))
    return 1_000_000_000 + zlib.crc32(mark.encode()) % 1_000_000_000


def _escaped(value: str) -> str:
    """A value for a ``.properties`` file."""
    text = value.replace("\\", "\\\\")
    for character, letter in (("\n", "n"), ("\r", "r"), ("\t", "t"), ("\f", "f")):
        text = text.replace(character, f"\\{letter}")
    return f"\\{text}" if text.startswith(" ") else text
