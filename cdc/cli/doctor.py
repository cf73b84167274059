"""``cdc doctor``: look at a source before a run does."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from cdc.checks import Finding, Level, check_server
from cdc.cli.mirror_plan import source_settings, source_url
from cdc.config import MySqlConfig
from cdc.connection import Server
from cdc.connector import MySqlConnector, endpoint
from connect import plugins
from connect.connector import Connector
from connect.errors import CdcError
from connect.runtime.connector_file import read

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
    if wrong:
        return wrong
    if not issubclass(connector, MySqlConnector):
        return _others(connector, settings)
    place = endpoint(MySqlConfig(settings))
    try:
        connection = place.connect()
    except CdcError as error:
        return [Finding("connection", Level.ERROR, error.message, error.cure)]
    with closing(connection):
        server = Server.ask(connection)
        hello = f"Connected to {server.flavour} {server.version_text} at {place}."
        return [Finding("connection", Level.OK, hello), *check_server(connection, server)]


def _others(connector: type[Connector], settings: dict[str, str]) -> list[Finding]:
    """What a connector of another kind says of its own settings and database."""
    found = connector().check(settings)
    if not found:
        return [Finding("connection", Level.OK, "The settings are right and the database answers.")]
    return [Finding(key, Level.ERROR, text) for key, texts in found.items() for text in texts]


def _settings(what: str) -> dict[str, str]:
    if "://" in what:
        return source_settings(source_url(what), [], prefix="doctor", server_id=1)
    return {"name": Path(what).stem, **read(Path(what)).settings}


def _show(findings: list[Finding]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        mark = f"[{_COLOURS[finding.level]}]{finding.level.upper():<8}[/]"
        console.print(mark, end="")
        console.print(finding.message, markup=False)
        if finding.cure:
            console.print(f"        {finding.cure}", markup=False)
