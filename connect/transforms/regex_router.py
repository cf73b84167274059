"""RegexRouter: renames topics by a regular expression.

Follows ``org.apache.kafka.connect.transforms.RegexRouter``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar, TypeVar

from connect.batch import Batch
from connect.config import Config, string
from connect.errors import ConfigError
from connect.java_regex import compile_regex, replacement
from connect.transforms.contract import Transform

B = TypeVar("B", bound=Batch)


class RegexRouterConfig(Config):
    regex = string("regex", doc="Java regular expression that must match the whole topic.")
    replacement = string("replacement", doc="The new name; $1 stands for the first group.")


class RegexRouter(Transform):
    config: ClassVar[type[Config]] = RegexRouterConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        keys = RegexRouterConfig(settings)
        try:
            self._regex = compile_regex(keys.regex)
        except ValueError as error:
            raise ConfigError("regex", f"regex: {error}.") from error
        try:
            self._expand = replacement(keys.replacement, self._regex)
        except ValueError as error:
            raise ConfigError("replacement", f"replacement: {error}.") from error

    def apply(self, batch: B) -> Iterable[B]:
        topic = batch.topic
        if not self._regex.fullmatch(topic):
            return [batch]
        # The original tests the whole name but replaces the first match, which may be shorter.
        found = self._regex.search(topic)
        if found is None:
            return [batch]
        renamed = topic[: found.start()] + self._expand(found) + topic[found.end() :]
        return [replace(batch, topic=renamed)]
