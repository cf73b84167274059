"""Finds connectors, converters, transforms, predicates and the rest by name.

A plugin is an entry point of one of the groups below; its name may be a Java class name of an
existing configuration, a short alias, or anything. Python's ``module:Class`` works too. So anyone
can ship a plugin in a package of their own, and nothing here imports one until it is asked for.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from connect.errors import PluginError

_logger = logging.getLogger(__name__)


class Group(StrEnum):
    CONNECTORS = "mysql_cdc.connectors"
    CONVERTERS = "mysql_cdc.converters"
    HEADER_CONVERTERS = "mysql_cdc.header_converters"
    TRANSFORMS = "mysql_cdc.transforms"
    PREDICATES = "mysql_cdc.predicates"
    DIALECTS = "mysql_cdc.dialects"
    LOGS = "mysql_cdc.logs"
    HISTORIES = "mysql_cdc.histories"


@cache
def _points(group: Group) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=group)}


def names(group: Group) -> list[str]:
    """Every name that ``load`` knows in this group, aliases included."""
    return sorted(_points(group))


def classes(group: Group) -> dict[str, type[Any]]:
    """Each plugin under each of its full (Java or dotted) names, short aliases left out. One that
    cannot be imported is logged and left out, so that it does not hide the others."""
    loaded: dict[str, type[Any]] = {}
    for name, point in sorted(_points(group).items()):
        if "." not in name:
            continue
        try:
            loaded[name] = _loaded(name, point)
        except PluginError as error:
            _logger.error("%s", error)
    return loaded


def load(group: Group, name: str) -> type[Any]:
    """The class behind ``name``: full name, simple class name (also without "Connector"), or
    ``module:Class``. PluginError lists what there is."""
    points = _points(group)
    if name in points:
        return _loaded(name, points[name])
    for full, point in points.items():
        simple = full.rpartition(".")[2]
        if name in (simple, simple.removesuffix("Connector")):
            return _loaded(name, point)
    if ":" in name:
        return _loaded(name, EntryPoint(name, name, group))
    kind = group.value.rpartition(".")[2].replace("_", " ")
    raise PluginError(
        f"Failed to find any class that implements {kind} and which name matches {name}.",
        cure=f"Available {kind} are: {', '.join(names(group))}.",
    )


def _loaded(name: str, point: EntryPoint) -> type[Any]:
    try:
        found = point.load()
    except Exception as error:  # whatever a module of someone else does when it is imported
        raise PluginError(
            f"Plugin {name} cannot be loaded: {error}.", cure="Install what it needs."
        ) from error
    if not isinstance(found, type):
        raise PluginError(f"Plugin {name} cannot be loaded: {point.value} is not a class.")
    return found
