"""Log levels by REST (``/admin/loggers``), with Kafka Connect's names for them (KIP-495)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from connect.runtime.status import RequestError

_LEVELS = {
    "OFF": logging.CRITICAL + 10,
    "FATAL": logging.CRITICAL,
    "ERROR": logging.ERROR,
    "WARN": logging.WARNING,
    "INFO": logging.INFO,
    "DEBUG": logging.DEBUG,
    "TRACE": logging.DEBUG - 5,
}
_NAMES = {level: name for name, level in _LEVELS.items()}
_ROOT = "root"


class LoggerAdmin:
    """``set_level(logger, level)`` does the work; the empty name is the root logger."""

    def __init__(self, set_level: Callable[[str, int], None]) -> None:
        self._set_level = set_level
        self._modified: dict[str, int] = {}

    def all(self) -> dict[str, object]:
        """Every logger that has a level of its own, the root always."""
        loggers = logging.Logger.manager.loggerDict
        names = [
            name
            for name, logger in sorted(loggers.items())
            if isinstance(logger, logging.Logger) and logger.level
        ]
        return {name: self._shown(name) for name in [_ROOT, *names]}

    def one(self, name: str) -> dict[str, object]:
        if name != _ROOT and name not in logging.Logger.manager.loggerDict:
            raise RequestError(404, f"Logger {name} not found.")
        return self._shown(name)

    def set(self, name: str, level: object) -> list[str]:
        """Returns the loggers that have changed."""
        if not level:
            raise RequestError(400, "Desired 'level' parameter was not specified in request.")
        number = _LEVELS.get(str(level).upper())
        if number is None:
            raise RequestError(404, f"invalid log level '{level}'.")
        self._set_level("" if name == _ROOT else name, number)
        self._modified[name] = int(time.time() * 1000)
        return [name]

    def _shown(self, name: str) -> dict[str, object]:
        level = logging.getLogger(None if name == _ROOT else name).getEffectiveLevel()
        shown = _NAMES.get(level) or logging.getLevelName(level)
        return {"level": shown, "last_modified": self._modified.get(name)}
