"""Debezium's tutorial: tables of a shop, the connector, and what it wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import devstack
from connect.log import open_log

Sql = Callable[[str], list[tuple[Any, ...]]]
Record = tuple[Any, Any]
"""Key and value of a message as parsed JSON, without the schemas."""

CUSTOMERS = """CREATE TABLE {}.customers (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(60) CHARACTER SET latin1 NOT NULL DEFAULT 'nobody',
    kind ENUM('new', 'old') NOT NULL,
    balance DECIMAL(10, 2),
    born DATE)"""
ORDERS = """CREATE TABLE {}.orders (
    customer INT UNSIGNED NOT NULL, number BIGINT NOT NULL, note TEXT, placed DATETIME(3),
    flags SET('gift', 'urgent'), PRIMARY KEY (number, customer))"""


def source(server: devstack.Server, kafka: devstack.Server, name: str) -> dict[str, str]:
    """The tutorial's connector, for the database of the same name."""
    return {
        "name": f"{name}-connector",
        "connector.class": "io.debezium.connector.mysql.MySqlConnector",
        "tasks.max": "1",
        "topic.prefix": name,
        "database.hostname": server.host,
        "database.port": str(server.port),
        "database.user": server.user,
        "database.server.id": "184054",
        "database.include.list": name,
        "include.schema.changes": "true",
        "schema.history.internal.kafka.bootstrap.servers": kafka.url,
        "schema.history.internal.kafka.topic": f"schema-changes.{name}",
    }


def records(kafka: devstack.Server, topic: str) -> list[Record]:
    with open_log({"bootstrap.servers": kafka.url}) as log:
        if log.partitions(topic) is None:
            return []
        messages = list(log.read_to_end(topic))
    return [
        tuple(None if text is None else json.loads(text)["payload"] for text in (m.key, m.value))
        for m in messages
    ]


def events(kafka: devstack.Server, topic: str) -> list[tuple[str, Any, Any]]:
    """Operation, before and after of each event; a tombstone is skipped."""
    found = [value for _, value in records(kafka, topic) if value is not None]
    return [(value["op"], value["before"], value["after"]) for value in found]
