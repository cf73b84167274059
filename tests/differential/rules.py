"""Where this project differs from Debezium on purpose; docs/differences.md says why.

A rule looks at one difference between two records and says whether it is the one it is named for.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

ABSENT: Final = "<absent>"


class Difference(NamedTuple):
    """One place where two records differ; ``record`` is Debezium's, for what stands around it."""

    topic: str
    path: str
    theirs: Any
    ours: Any
    record: Any = None

    @property
    def column(self) -> str:
        """The column it is about, or the empty text."""
        parts = re.findall(r"\.([^.\[]+)|\[(\d+)\]", self.path)
        found = self.record
        for name, place in parts:
            if name in ("before", "after") and isinstance(found, dict):
                return re.sub(r"\[\d+\]$", "", self.path.partition(f".{name}.")[2])
            found = found[int(place)] if place else found.get(name)
            if isinstance(found, dict) and ("field" in found or "typeName" in found):
                inside = found.get("field") or found["name"]
                if inside not in ("before", "after"):
                    return str(inside)
            if not isinstance(found, (dict, list)):
                break
        return ""


Rule = Callable[[Difference], bool]


def rule_of(difference: Difference) -> str | None:
    """The name of the rule that knows this difference."""
    rules = {**RULES, **OPTION_RULES}
    return next((name for name, rule in rules.items() if rule(difference)), None)


def _in(topic: str, *columns: str) -> Rule:
    return lambda d: d.topic in (topic, "history", "tp") and d.column in columns


def _json_text(d: Difference) -> bool:
    """One text for one document, whichever of the server's or Debezium's two it would be."""
    if "documents" not in d.topic or not isinstance(d.theirs, str):
        return False
    return _like(json.loads(d.theirs), json.loads(d.ours))


def _like(one: Any, other: Any) -> bool:
    match one, other:
        case dict(), dict():
            return list(one) == list(other) and all(_like(one[k], other[k]) for k in one)
        case list(), list():
            return len(one) == len(other) and all(map(_like, one, other))
        case str(), str():  # what JSON itself has no form for: times and bytes
            return one == other or other.startswith("base64:") or ":" in other
    return bool(one == other)


def _bool(d: Difference) -> bool:
    if not _in("tp.live.booleans", "b", "o", "n")(d):
        return False
    return (d.theirs, d.ours) == ("boolean", "int16") or (
        isinstance(d.theirs, bool) and d.ours == int(d.theirs)
    )


def _float_text(d: Difference) -> bool:
    if d.topic != "tp.seen.reals" or not isinstance(d.theirs, float):
        return False
    return math.isclose(d.theirs, d.ours, rel_tol=1e-5)


def _java_17(d: Difference) -> bool:
    if d.column != "v" or not d.topic.endswith(".vectors"):
        return False
    return struct.pack("<f", d.theirs) == struct.pack("<f", d.ours)


def _timestamp_fraction(d: Difference) -> bool:
    if not (d.topic.endswith(".times") and d.column.startswith("ts")):
        return False
    return bool(d.theirs == re.sub(r"\.?0*Z$", "Z", d.ours))


def _quote_in_default(d: Difference) -> bool:
    return isinstance(d.theirs, str) and "''" in d.theirs and d.theirs.replace("''", "'") == d.ours


def _blank_label(d: Difference) -> bool:
    if d.column != "spaced" or not isinstance(d.theirs, str):
        return False
    return bool(d.theirs.replace("two ", "two") == d.ours)


def _empty_database(d: Difference) -> bool:
    if d.theirs != ABSENT or not isinstance(d.ours, dict):
        return False
    event = d.ours.get("payload", d.ours)
    return event.get("databaseName") == "live" and not event["tableChanges"]


def _only_here(d: Difference) -> str:
    """The statement of a record that Debezium does not have."""
    if d.theirs != ABSENT or not isinstance(d.ours, dict):
        return ""
    return str(d.ours.get("payload", d.ours).get("ddl", ""))


RULES: Mapping[str, Rule] = {
    "JSON text": _json_text,
    "BOOL": _bool,
    "REAL": _in("tp.live.reals", "r"),
    "FLOAT4": _in("tp.live.reals", "f4"),
    "FLOAT in a snapshot": _float_text,
    "floats of Java 17": _java_17,
    "YEAR 0": lambda d: (d.column, d.theirs, d.ours) == ("y", 1900, 2000),
    "fraction of a TIMESTAMP in a snapshot": _timestamp_fraction,
    "comma in an ENUM label": lambda d: (
        d.column == "e" and d.topic.endswith(".commas") and d.theirs == d.ours.replace(",", "\\,")
    ),
    "blank behind an ENUM label": _blank_label,
    "BINARY without a length": lambda d: d.topic == "tp.live.binaries" and d.column == "b",
    "character set binary": _in("tp.live.charsets", "bn"),
    "default of a BINARY column": lambda d: (
        d.column in ("b", "v") and d.path.endswith((".default", ".defaultValueExpression"))
    ),
    "quote in a default": _quote_in_default,
    "hexadecimal default": _in("tp.live.defaults", "vb"),
    "VECTOR without a length": lambda d: d.column == "d" and d.path.endswith("].length"),
    "thread of an XA transaction": lambda d: (
        d.path.endswith(".source.thread") and d.theirs is None and isinstance(d.ours, int)
    ),
    "empty database in a snapshot": _empty_database,
    "CREATE UNIQUE INDEX": lambda d: d.path.endswith(".ddl") and d.ours == f"CREATE {d.theirs}",
    "end of a versioned comment": lambda d: (
        d.path.endswith(".ddl") and "/*!" in d.theirs and d.ours == f"{d.theirs} */"
    ),
    "former name in ALTER TABLE … RENAME": lambda d: (
        d.path.endswith("].previousId") and d.theirs == ABSENT
    ),
}

OPTION_RULES: Mapping[str, Rule] = {
    "databases in a short history": lambda d: (
        _only_here(d).startswith("USE ") or " DATABASE " in _only_here(d)
    ),
    "unique index in a short history": lambda d: (
        _only_here(d).startswith("CREATE UNIQUE INDEX k ")
        or (d.topic == "tp.seen.later_unique" and d.path == "key" and d.theirs is None)
    ),
    "query of a schema change": lambda d: (
        d.topic == "tp" and d.path.endswith(".source.query") and d.ours is None
    ),
}
"""Those that only the options of a test bring about."""
