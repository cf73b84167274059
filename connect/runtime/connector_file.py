"""Connector files of a standalone worker, in the three forms Kafka Connect reads.

A flat JSON object with ``name``; JSON as it is posted to ``/connectors`` (``name``, ``config`` and
perhaps ``initial_state``); a Java ``.properties`` file with ``name``. They are told apart by what
they hold, not by their ending. Follows ``org.apache.kafka.connect.cli.ConnectStandalone``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from connect.errors import ConfigError
from connect.runtime import properties


class TargetState(StrEnum):
    """What a connector should be, whatever it is at the moment."""

    STARTED = "STARTED"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"


_INITIAL_STATES = {
    "RUNNING": TargetState.STARTED,
    "PAUSED": TargetState.PAUSED,
    "STOPPED": TargetState.STOPPED,
}


@dataclass(frozen=True)
class ConnectorRequest:
    """A connector that somebody wants to be there."""

    name: str
    settings: Mapping[str, str]
    target: TargetState = TargetState.STARTED


def settings_from_json(config: object, where: str) -> dict[str, str]:
    """A flat map of texts; numbers and booleans become text as Kafka Connect reads them."""
    if not isinstance(config, dict):
        raise ConfigError("config", f"{where}: the configuration is not a JSON object.")
    settings = {}
    for key, value in config.items():
        if isinstance(value, (dict, list)):
            raise ConfigError(key, f"{where}: the value of {key} is not a single value.")
        if value is None:
            raise ConfigError(key, f"{where}: the value of {key} is null.")
        settings[key] = str(value).lower() if isinstance(value, bool) else str(value)
    return settings


def request_from_json(body: object, where: str) -> ConnectorRequest:
    """A POST body as a request. ConfigError where it cannot be one."""
    if not isinstance(body, dict):
        raise ConfigError("name", f"{where}: not a JSON object.")
    name = body.get("name")
    name = name.strip() if isinstance(name, str) else ""
    settings = settings_from_json(body.get("config"), where)
    if not name or any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in name):
        raise ConfigError(
            "name", f"{where}: connector name cannot be empty or hold control characters."
        )
    inner = settings.setdefault("name", name)
    if inner != name:
        raise ConfigError(
            "name", f"{where}: connector name {inner} in the config differs from the name {name}."
        )
    state = body.get("initial_state") or "RUNNING"
    target = _INITIAL_STATES.get(str(state).upper())
    if target is None:
        raise ConfigError(
            "initial_state",
            f"{where}: initial_state {state} is not one of {', '.join(_INITIAL_STATES)}.",
        )
    return ConnectorRequest(name, settings, target)


def read(path: Path) -> ConnectorRequest:
    """The connector a file describes. ConfigError names the file and what is wrong with it."""
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError(str(path), f"The file {path} cannot be read: {error}") from error
    try:
        body = json.loads(text)
    except ValueError as error:
        if text.lstrip().startswith("{"):
            raise ConfigError(str(path), f"The file {path} is not valid JSON: {error}.") from error
        body = {"config": properties.read(path)}
        body["name"] = body["config"].get("name")
    if isinstance(body, dict) and "config" not in body:
        body = {"name": body.get("name"), "config": body}
    if not isinstance(body, dict) or not body.get("name"):
        raise ConfigError(
            "name",
            f"The file {path} has no name.",
            cure="Give the connector a name=... of its own.",
        )
    return request_from_json(body, f"The file {path}")
