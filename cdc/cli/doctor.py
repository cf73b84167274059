"""``cdc doctor``: look at a source before a run does."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from cdc.checks import Finding, Level, check_server
from cdc.cli.mirror_plan import source_settings, source_url
from cdc.config import MySqlConfig
from cdc.connection import Server
from cdc.connector import endpoint
from connect.errors import CdcError, ConfigError
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
        place = endpoint(MySqlConfig(_settings(what)))
    except ConfigError as error:
        return [Finding("configuration", Level.ERROR, error.message, error.cure)]
    try:
        connection = place.connect()
    except CdcError as error:
        return [Finding("connection", Level.ERROR, error.message, error.cure)]
    try:
        server = Server.ask(connection)
        hello = f"Connected to {server.flavour} {server.version_text} at {place}."
        return [Finding("connection", Level.OK, hello), *check_server(connection, server)]
    finally:
        connection.close()


def _settings(what: str) -> dict[str, str]:
    if "://" in what:
        return source_settings(source_url(what), [], prefix="doctor", server_id=1)
    return dict(read(Path(what)).settings)


def _show(findings: list[Finding]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        mark = f"[{_COLOURS[finding.level]}]{finding.level.upper():<8}[/]"
        console.print(mark, end="")
        console.print(finding.message, markup=False)
        if finding.cure:
            console.print(f"        {finding.cure}", markup=False)
