"""Checks a connector's settings before it runs: its own keys, and everything that hangs on them.

One result serves the REST answer, the start of a connector and the command line. Follows
``org.apache.kafka.connect.runtime.AbstractHerder.validateConnectorConfig``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from connect import plugins
from connect.config import (
    Config,
    Key,
    KeyResult,
    Kind,
    boolean,
    class_name,
    optional_string,
    parse_list,
)
from connect.connector import Connector, SinkConnector, SourceConnector
from connect.connector_config import PREDICATES, TRANSFORMS
from connect.errors import CdcError, ConfigError, PluginError
from connect.plugins import Group
from connect.runtime import conversion
from connect.runtime.config_providers import Resolver
from connect.runtime.status import ConnectorKind, RequestError
from connect.runtime.topic_creation import TopicCreation
from connect.runtime.worker_config import WorkerConfig
from connect.transforms.chain import Chain


def connector_class(settings: Mapping[str, str | None]) -> type[Connector]:
    """The class a connector's settings name. RequestError (400) where there is none such."""
    name = settings.get("connector.class")
    if not name:
        raise RequestError(400, "Connector config contains no connector.class.")
    try:
        found = plugins.load(Group.CONNECTORS, name)
    except PluginError as error:
        raise RequestError(400, error.message, cure=error.cure) from error
    if not issubclass(found, Connector):
        raise RequestError(400, f"{name} is not a connector.")
    return found


def kind_of(connector: type[Connector]) -> ConnectorKind:
    if issubclass(connector, SourceConnector):
        return ConnectorKind.SOURCE
    if issubclass(connector, SinkConnector):
        return ConnectorKind.SINK
    return ConnectorKind.UNKNOWN


@dataclass
class Validation:
    """What came out: every key with its value and errors, and warnings beside."""

    class_name: str
    results: list[KeyResult]
    settings: Mapping[str, str | None]
    """As given, so that references to secrets are shown as such."""
    warnings: list[str] = field(default_factory=list)

    @property
    def errors(self) -> list[str]:
        return [error for result in self.results for error in result.errors]

    def add(self, key: str, message: str) -> None:
        """Put an error on its key, known or not."""
        for result in self.results:
            if result.key.name == key:
                result.errors.append(message)
                return
        unknown = optional_string(key, doc="")
        self.results.append(KeyResult(unknown, self.settings.get(key), [message]))

    def refuse(self) -> None:
        """RequestError with Kafka Connect's text if there are errors."""
        if errors := self.errors:
            listed = "\n".join(errors)
            raise RequestError(
                400,
                "Connector configuration is invalid and contains the following "
                f"{len(errors)} error(s):\n{listed}\nYou can also find the above list of errors at "
                "the endpoint `/connector-plugins/{connectorType}/config/validate`",
            )


def _alias_keys(settings: Mapping[str, str]) -> Iterator[Key[Any]]:
    """The keys that exist because ``transforms`` and ``predicates`` list aliases."""
    for alias in parse_list(settings.get("transforms", "")):
        start = f"transforms.{alias}."
        yield class_name(f"{start}type", doc=f"Class of transform {alias}.", group=TRANSFORMS)
        yield optional_string(
            f"{start}predicate", doc="Predicate that decides what it is for.", group=TRANSFORMS
        )
        yield boolean(f"{start}negate", False, doc="Turn the predicate round.", group=TRANSFORMS)
        yield from _plugin_keys(Group.TRANSFORMS, settings.get(f"{start}type"), start, TRANSFORMS)
    for alias in parse_list(settings.get("predicates", "")):
        start = f"predicates.{alias}."
        yield class_name(f"{start}type", doc=f"Class of predicate {alias}.", group=PREDICATES)
        yield from _plugin_keys(Group.PREDICATES, settings.get(f"{start}type"), start, PREDICATES)


def _plugin_keys(group: Group, name: str | None, prefix: str, shown: str) -> Iterator[Key[Any]]:
    """The keys a plugin declares in ``config``, by their full names."""
    try:
        plugin = plugins.load(group, name or "")
    except PluginError:
        return  # the chain says so
    for key in config_keys(plugin):
        full = copy(key)
        full.name, full.group = prefix + key.name, shown
        yield full


def config_keys(plugin: type[Any]) -> list[Key[Any]]:
    """What a plugin of any kind declares, nothing if it declares nothing."""
    config: type[Config] | None = getattr(plugin, "config", None)
    return list(config.keys.values()) if config else []


def validate(
    worker: WorkerConfig, resolver: Resolver, settings: Mapping[str, str | None]
) -> Validation:
    """Everything that can be said about the settings without running them; may look outside."""
    connector = connector_class(settings)
    known = {key: value for key, value in settings.items() if value is not None}
    resolved = resolver.resolve(known)
    nulls = {key: None for key, value in settings.items() if value is None}
    declared = connector.config.validate({**resolved, **nulls})
    declared += [KeyResult(key, *key.read(resolved)) for key in _alias_keys(resolved)]
    found = Validation(str(settings["connector.class"]), declared, settings)
    for key in nulls:
        if not any(result.errors for result in found.results if result.key.name == key):
            found.add(key, "Null value can not be supplied as the configuration value.")
    for name, near in connector.config.unknown(known):
        if near is None:
            found.warnings.append(f"The connector has no key {name}; it has no effect.")
        else:
            found.add(name, f"The connector has no key {name}. Did you mean {near}?")
    _check_parts(found, worker, resolved)
    if not found.errors:
        for key, messages in connector().check(resolved).items():
            for message in messages:
                found.add(key, message)
    return found


def _check_parts(found: Validation, worker: WorkerConfig, settings: Mapping[str, str]) -> None:
    for key in conversion.KEYS:
        try:
            if key == conversion.HEADER:
                conversion.header_converter(worker, settings)
            else:
                conversion.converter(worker, settings, key)
        except CdcError as error:
            found.add(key, str(error))
        if key not in settings and any(name.startswith(f"{key}.") for name in settings):
            found.warnings.append(
                f"Settings of {key} have no effect without {key} itself: the worker's is used."
            )
    stages = ("transforms", "predicates")
    if not any(result.errors for result in found.results if result.key.name.startswith(stages)):
        try:
            Chain(settings)
        except CdcError as error:
            found.add(error.key if isinstance(error, ConfigError) else "transforms", str(error))
    for refusal in (*TopicCreation.errors(settings), *worker.forbidden_overrides(settings)):
        found.add(refusal.key, str(refusal))


# --- as Kafka Connect's JSON ---------------------------------------------------------------------


def definitions_json(keys: Iterable[Key[Any]]) -> list[dict[str, object]]:
    """Declared keys as ``/connector-plugins/{p}/config`` shows them."""
    orders: dict[str, int] = {}
    shown: list[dict[str, object]] = []
    for key in keys:
        orders[key.group] = orders.get(key.group, 0) + 1
        shown.append(
            {
                "name": key.name,
                "type": key.kind.value,
                "required": key.required,
                "default_value": key.default_text,
                "importance": key.importance.value,
                "documentation": key.doc,
                "group": key.group or None,
                "width": "NONE",
                "display_name": key.name,
                "dependents": [],
                "order": orders[key.group],
            }
        )
    return shown


def validation_json(found: Validation) -> dict[str, object]:
    """The answer of ``/connector-plugins/{p}/config/validate``."""
    configs = []
    definitions = definitions_json(result.key for result in found.results)
    for definition, result in zip(definitions, found.results, strict=True):
        given = found.settings.get(result.key.name)
        secret = result.key.kind is Kind.PASSWORD
        value = {
            "name": result.key.name,
            "value": result.shown if secret or "${" not in (given or "") else given,
            "recommended_values": list(result.key.choices),
            "errors": result.errors,
            "visible": True,
        }
        configs.append({"definition": definition, "value": value})
    groups = dict.fromkeys(result.key.group for result in found.results if result.key.group)
    return {
        "name": found.class_name,
        "error_count": sum(len(result.errors) for result in found.results),
        "groups": list(groups),
        "configs": configs,
    }
