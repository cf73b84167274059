"""The chain of transforms a connector is configured with.

``transforms`` lists aliases in order; ``transforms.<alias>.type`` names the class, ``.predicate`` a
predicate of the list ``predicates`` and ``.negate`` turns it round; the other keys are the
transform's own. Follows ``org.apache.kafka.connect.runtime.{ConnectorConfig,TransformationStage}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from connect import plugins
from connect.batch import Batch
from connect.config import Config, boolean, class_name, parse_list, string
from connect.errors import ConfigError, DataError, PluginError
from connect.plugins import Group
from connect.transforms.contract import Predicate, Transform

B = TypeVar("B", bound=Batch)


class StageConfig(Config):
    """The keys every transform has."""

    type = class_name("type", doc="Class of the transform.")
    predicate = string("predicate", "", doc="Predicate that chooses its records.")
    negate = boolean("negate", False, doc="Choose those the predicate does not hold for.")


class PredicateConfig(Config):
    """The key every predicate has."""

    type = class_name("type", doc="Class of the predicate.")


class _Stage(NamedTuple):
    alias: str
    transform: Transform
    predicate: Predicate | None
    negate: bool


class Chain:
    """Made from a connector's settings. ConfigError or PluginError where they are wrong."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        predicates: dict[str, Predicate] = {}
        for alias in _aliases(settings, "predicates"):
            prefix = f"predicates.{alias}."
            predicates[alias] = _made(
                Group.PREDICATES, prefix, _under(settings, prefix), PredicateConfig
            )
        self._stages: list[_Stage] = []
        for alias in _aliases(settings, "transforms"):
            prefix = f"transforms.{alias}."
            own = _under(settings, prefix)
            transform = _made(Group.TRANSFORMS, prefix, own, StageConfig)
            stage = StageConfig(own)
            if stage.predicate and stage.predicate not in predicates:
                raise ConfigError(
                    f"{prefix}predicate",
                    f"{prefix}predicate names {stage.predicate}, which is not in predicates.",
                    cure="Add it there, or correct the name.",
                )
            if stage.negate and not stage.predicate:
                raise ConfigError(
                    f"{prefix}negate", f"{prefix}negate=true needs {prefix}predicate."
                )
            predicate = predicates[stage.predicate] if stage.predicate else None
            self._stages.append(_Stage(alias, transform, predicate, stage.negate))

    def __bool__(self) -> bool:
        return bool(self._stages)

    def apply(self, batch: B) -> list[B]:
        """What is left of a batch, in order. DataError names the transform that failed."""
        batches = [batch]
        for stage in self._stages:
            try:
                batches = [done for one in batches for done in _applied(stage, one)]
            except DataError as error:
                error.message = f"Transform {stage.alias}: {error.message}"
                raise
        return batches


def _applied(stage: _Stage, batch: B) -> list[B]:
    if stage.predicate is None:
        return [done for done in stage.transform.apply(batch) if len(done)]
    result: list[B] = []
    for run, answer in stage.predicate.test(batch):
        if answer is not stage.negate:
            result += [done for done in stage.transform.apply(run) if len(done)]
        else:
            result.append(run)
    return result


def _aliases(settings: Mapping[str, str], key: str) -> list[str]:
    aliases = parse_list(settings.get(key) or "")
    if len(set(aliases)) < len(aliases) or "" in aliases:
        raise ConfigError(key, f"{key}={settings[key]} must list each alias once.")
    return aliases


def _under(settings: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {k.removeprefix(prefix): v for k, v in settings.items() if k.startswith(prefix)}


def _made(group: Group, prefix: str, own: Mapping[str, str], common: type[Config]) -> Any:
    """A plugin with its own settings; errors name the full key."""
    kind = own.get("type")
    if not kind:
        raise ConfigError(f"{prefix}type", f"{prefix}type is missing.")
    try:
        made = plugins.load(group, kind)()
    except PluginError as error:
        raise ConfigError(f"{prefix}type", error.message, cure=error.cure) from error
    settings = {name: value for name, value in own.items() if name not in common.keys}
    try:
        _refuse_typos(made.config, settings)
        made.configure(settings)
    except ConfigError as error:
        raise ConfigError(
            prefix + error.key, f"{prefix}{error.key}: {error.message}", cure=error.cure
        ) from error
    return made


def _refuse_typos(config: type[Config], settings: Mapping[str, str]) -> None:
    """ConfigError for a key that looks like a misspelt one of a plugin's own."""
    for name, near in config.unknown(settings):
        if near:
            raise ConfigError(name, f"There is no key {name}.", cure=f"Did you mean {near}?")
