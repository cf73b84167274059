"""``cdc doctor``: every finding with its cure, for URLs and for connector files of any kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import devstack
from cdc.cli.doctor import doctor
from tests.cdc.source import client


def _findings(capsys: pytest.CaptureFixture[str], what: str) -> tuple[int, dict[str, Any]]:
    code = doctor(what, as_json=True)
    return code, {item["check"]: item for item in json.loads(capsys.readouterr().out)}


def test_a_good_server(mysql: devstack.Server, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = _findings(capsys, mysql.url)
    assert code == 0
    assert {item["level"] for item in found.values()} == {"ok"}
    assert {"connection", "binlog", "binlog_format", "gtid", "retention"} <= found.keys()


def test_a_poor_user(mysql: devstack.Server, capsys: pytest.CaptureFixture[str]) -> None:
    with client(mysql) as run:
        run("CREATE USER IF NOT EXISTS ill@'%' IDENTIFIED BY 'pw'")
    code, found = _findings(capsys, f"mysql://ill:pw@{mysql.host}:{mysql.port}/shop")
    assert code == 1
    assert found["grant SELECT"]["level"] == "error"
    assert found["grant REPLICATION SLAVE"]["cure"] == (
        "GRANT REPLICATION SLAVE ON *.* TO 'ill'@'%';"
    )
    assert found["grant RELOAD"]["level"] == "error"


def test_a_server_set_wrongly(capsys: pytest.CaptureFixture[str]) -> None:
    with devstack.mysql(
        "9.7", binlog_row_image="MINIMAL", gtid_mode="OFF", enforce_gtid_consistency="OFF",
        binlog_expire_logs_seconds=3600,
    ) as server:  # fmt: skip
        code, found = _findings(capsys, server.url)
    assert code == 1
    assert "SET GLOBAL binlog_row_image = 'FULL'" in found["binlog_row_image"]["cure"]
    assert found["gtid"]["level"] == "warning"
    assert found["retention"]["level"] == "warning"


def test_no_binlog(capsys: pytest.CaptureFixture[str]) -> None:
    with devstack.mysql(
        "9.7", log_bin=None, disable_log_bin="ON", gtid_mode="OFF", enforce_gtid_consistency="OFF"
    ) as server:
        code, found = _findings(capsys, server.url)
    assert code == 1
    assert found["binlog"]["level"] == "error"


def test_files(mysql: devstack.Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = {
        "connector.class": "io.debezium.connector.mysql.MySqlConnector",
        "topic.prefix": "tp",
        "database.hostname": mysql.host,
        "database.port": mysql.port,
        "database.user": mysql.user,
        "database.server.id": 5,
        "schema.history.internal.kafka.topic": "history",
    }
    file = tmp_path / "source.json"
    file.write_text(json.dumps({"name": "source", "config": source}))
    assert _findings(capsys, str(file))[0] == 0
    del source["database.user"]
    file.write_text(json.dumps({"name": "source", "config": source}))
    code, found = _findings(capsys, str(file))
    assert code == 1
    assert "database.user" in found

    sink = tmp_path / "sink.properties"
    sink.write_text(
        "name=sink\nconnector.class=JdbcSink\ntopics=a\n"
        f"connection.url=jdbc:sqlite:{tmp_path / 'a.db'}\n"
    )
    assert _findings(capsys, str(sink))[0] == 0
    sink.write_text(
        "name=sink\nconnector.class=JdbcSink\ntopics=a\n"
        "connection.url=jdbc:postgresql://127.0.0.1:1/none\n"
    )
    assert _findings(capsys, str(sink))[0] == 1


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = _findings(capsys, "nowhere.properties")
    assert code == 1
    assert "nowhere.properties" in found["file"]["message"]


def test_what_a_run_would_refuse(
    mysql: devstack.Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = {
        "connector.class": "io.debezium.connector.mysql.MySqlConnector",
        "topic.prefix": "tp",
        "database.hostname": mysql.host,
        "database.port": mysql.port,
        "database.user": mysql.user,
        "database.server.id": 5,
        "schema.history.internal.kafka.topic": "history",
    }

    def findings(**more: str) -> tuple[int, dict[str, Any]]:
        file = tmp_path / "source.json"
        file.write_text(json.dumps({"name": "source", "config": source | more}))
        return _findings(capsys, str(file))

    assert findings()[0] == 0
    code, found = findings(**{"table.inclde.list": "a.b"})
    assert code == 1
    assert "table.include.list" in found["table.inclde.list"]["message"]
    code, found = findings(**{"table.include.list": "no.such"})
    assert code == 1
    assert "no.such" in found["table.include.list"]["message"]
    assert _findings(capsys, f"{mysql.url}/nodb")[0] == 1
    del source["schema.history.internal.kafka.topic"]
    code, found = findings()
    assert code == 1
    assert "schema.history.internal.kafka.topic" in found
