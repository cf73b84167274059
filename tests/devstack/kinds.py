"""The kinds of server, each with a way to make it remember something."""

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import pymysql
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

import devstack


def _mysql_remember(server: devstack.Server, note: str) -> None:
    with pymysql.connect(host=server.host, port=server.port, user=server.user) as connection:
        connection.cursor().execute(f"CREATE DATABASE `{note}`")


def _mysql_notes(server: devstack.Server) -> set[str]:
    with pymysql.connect(host=server.host, port=server.port, user=server.user) as connection:
        cursor = connection.cursor()
        cursor.execute("SHOW DATABASES")
        return {name for (name,) in cursor.fetchall()}


def _postgres_remember(server: devstack.Server, note: str) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute(
            psycopg.sql.SQL("CREATE TABLE {} ()").format(psycopg.sql.Identifier(note))
        )


def _postgres_notes(server: devstack.Server) -> set[str]:
    with psycopg.connect(server.url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables").fetchall()
    return {name for (name,) in tables}


def _kafka_remember(server: devstack.Server, note: str) -> None:
    failures = []
    producer = Producer({"bootstrap.servers": server.url})
    producer.produce(note, b"value", on_delivery=lambda error, _: failures.append(error))
    assert producer.flush(30) == 0
    assert failures == [None]


def _kafka_notes(server: devstack.Server) -> set[str]:
    return set(AdminClient({"bootstrap.servers": server.url}).list_topics(timeout=30).topics)


def _registry_remember(server: devstack.Server, note: str) -> None:
    request = urllib.request.Request(
        f"{server.url}/subjects/{note}/versions",
        data=json.dumps({"schema": '"string"'}).encode(),
        headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status == 200


def _registry_notes(server: devstack.Server) -> set[str]:
    with urllib.request.urlopen(f"{server.url}/subjects", timeout=30) as response:
        return set(json.load(response))


@dataclass(frozen=True)
class Kind:
    """One kind of server: how to call it on the command line and in Python, how to use it."""

    name: str
    make: Callable[[], devstack.Server]
    remember: Callable[[devstack.Server, str], None]
    notes: Callable[[devstack.Server], set[str]]
    keeps_data: bool = True


KINDS = [
    Kind("mysql:9.7", lambda: devstack.mysql("9.7"), _mysql_remember, _mysql_notes),
    Kind("mysql:8.0", lambda: devstack.mysql("8.0"), _mysql_remember, _mysql_notes),
    Kind("mariadb:11.4", lambda: devstack.mariadb("11.4"), _mysql_remember, _mysql_notes),
    Kind("mariadb:10.11", lambda: devstack.mariadb("10.11"), _mysql_remember, _mysql_notes),
    Kind("postgres", devstack.postgres, _postgres_remember, _postgres_notes),
    Kind("kafka", devstack.kafka, _kafka_remember, _kafka_notes),
    Kind(
        "schema-registry",
        devstack.schema_registry,
        _registry_remember,
        _registry_notes,
        keeps_data=False,
    ),
]
