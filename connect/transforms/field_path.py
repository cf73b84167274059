"""Names of fields inside fields: ``field.syntax.version`` V1 and V2.

V1 takes a name as it is. V2 splits it at dots; backticks around a part keep its dots. Follows
``org.apache.kafka.connect.transforms.field.{FieldSyntaxVersion,SingleFieldPath}``.
"""

from __future__ import annotations

import re
from enum import StrEnum

from connect.errors import ConfigError

_STEP = re.compile(r"`((?:[^`\\]|\\.|`(?!\.|$))*)`(?=\.|$)|([^.`][^.]*|)(?=\.|$)")


class FieldSyntax(StrEnum):
    V1 = "V1"
    V2 = "V2"


def steps(key: str, path: str, syntax: FieldSyntax) -> tuple[str, ...]:
    """The names on the way to a field. ConfigError for ``key`` if backticks do not match."""
    if syntax is FieldSyntax.V1:
        return (path,)
    found: list[str] = []
    start = 0
    while True:
        match = _STEP.match(path, start)
        if match is None:
            raise ConfigError(key, f"{key}={path} has a backtick without its pair.")
        quoted, plain = match.groups()
        found.append(plain if quoted is None else quoted.replace("\\`", "`"))
        if match.end() == len(path):
            return tuple(found)
        start = match.end() + 1
