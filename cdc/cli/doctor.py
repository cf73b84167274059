"""``cdc doctor``: look at a source before a run does."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from cdc.checks import Finding, Level, check_server
from cdc.cli.mirror_plan import source_settings, source_url
from cdc.config import MySqlConfig, SnapshotLocking
from cdc.connection import Server
from cdc.connector import MySqlConnector, endpoint, history_findings
from cdc.filters import Filters
from cdc.snapshot.consistent import list_tables
from connect import plugins
from connect.connector import Connector
from connect.errors import CdcError
from connect.runtime.connector_file import read

MEMORY = "io.debezium.relational.history.MemorySchemaHistory"
_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "red"}


def doctor(what: str, *, as_json: bool) -> int:
    """0 if a run can start, 1 if not."""
    findings = list(_findings(what))
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))  # noqa: T201
    else:
        _show(findings)
    return int(any(finding.level is Level.ERROR for finding in findings))


def _findings(what: str) -> list[Finding]:
    try:
        settings = _settings(what)
        connector = plugins.load(plugins.Group.CONNECTORS, settings.get("connector.class", ""))
    except CdcError as error:
        return [Finding("file", Level.ERROR, error.message, error.cure)]
    wrong = [
        Finding(result.key.name, Level.ERROR, text)
        for result in connector.config.validate(settings)
        for text in result.errors
    ]
    for name, near in connector.config.unknown(settings):
        if near:
            text = f"The connector has no key {name}. Did you mean {near}?"
            wrong.append(Finding(name, Level.ERROR, text))
        else:
            wrong.append(Finding(name, Level.WARNING, f"{name} is no key and has no effect."))
    if any(finding.level is Level.ERROR for finding in wrong):
        return wrong
    if not issubclass(connector, MySqlConnector):
        return wrong + _others(connector, settings)
    history = history_findings(settings)
    if history:
        return wrong + [Finding(key, Level.ERROR, text) for key, text in history.items()]
    return wrong + _source(MySqlConfig(settings))


def _source(config: MySqlConfig) -> list[Finding]:
    """The server, its settings and grants, and whether the lists name anything on it."""
    place = endpoint(config)
    try:
        connection = place.connect()
    except CdcError as error:
        return [Finding("connection", Level.ERROR, error.message, error.cure)]
    with closing(connection):
        server = Server.ask(connection)
        hello = f"Connected to {server.flavour} {server.version_text} at {place}."
        locks = config.snapshot_locking is SnapshotLocking.MINIMAL
        found = [
            Finding("connection", Level.OK, hello),
            *check_server(connection, server, locks=locks),
        ]
        tables = list_tables(connection, Filters(config).database)
        names = [str(table) for listed in tables.values() for table in listed]
        for key, items, known in (
            ("database.include.list", config.database_include, list(tables)),
            ("table.include.list", config.table_include, names),
        ):
            found += [
                Finding(
                    key, Level.ERROR, f"{key}: {item} matches nothing that the user can see.",
                    f"There is: {', '.join(known) or 'nothing'}.",
                )
                for item in Filters.unmatched(items or (), known)
            ]  # fmt: skip
    return found


def _others(connector: type[Connector], settings: dict[str, str]) -> list[Finding]:
    """What a connector of another kind says of its own settings and database."""
    found = connector().check(settings)
    if not found:
        return [Finding("connection", Level.OK, "The settings are right and the database answers.")]
    return [Finding(key, Level.ERROR, text) for key, texts in found.items() for text in texts]


def _settings(what: str) -> dict[str, str]:
    if "://" in what:
        settings = source_settings(source_url(what), [], prefix="doctor", server_id=1)
        return settings | {"schema.history.internal": MEMORY}
    return {"name": Path(what).stem, **read(Path(what)).settings}


def _show(findings: list[Finding]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        mark = f"[{_COLOURS[finding.level]}]{finding.level.upper():<8}[/]"
        console.print(mark, end="")
        console.print(finding.message, markup=False)
        if finding.cure:
            console.print(f"        {finding.cure}", markup=False)
