"""Predicates: TopicNameMatches, HasHeaderKey and RecordIsTombstone.

Follow the classes of these names in ``org.apache.kafka.connect.transforms.predicates``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, TypeVar

from connect.batch import Batch
from connect.config import Config, string
from connect.errors import ConfigError
from connect.java_regex import compile_regex
from connect.transforms.contract import Predicate
from connect.transforms.side import runs
from connect.validators import not_empty

B = TypeVar("B", bound=Batch)


class TopicNameMatchesConfig(Config):
    pattern = string("pattern", doc="Java regular expression for the whole topic.",
                     valid=[not_empty])  # fmt: skip


class TopicNameMatches(Predicate):
    config: ClassVar[type[Config]] = TopicNameMatchesConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        try:
            self._pattern = compile_regex(TopicNameMatchesConfig(settings).pattern)
        except ValueError as error:
            raise ConfigError("pattern", f"pattern: {error}.") from error

    def test(self, batch: B) -> Iterable[tuple[B, bool]]:
        return [(batch, self._pattern.fullmatch(batch.topic) is not None)]


class HasHeaderKeyConfig(Config):
    name = string("name", doc="Name of the header.", valid=[not_empty])


class HasHeaderKey(Predicate):
    config: ClassVar[type[Config]] = HasHeaderKeyConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        self._name = HasHeaderKeyConfig(settings).name

    def test(self, batch: B) -> Iterable[tuple[B, bool]]:
        return [(batch, any(header.name == self._name for header in batch.headers))]


class RecordIsTombstone(Predicate):
    def configure(self, settings: Mapping[str, str]) -> None:
        """Nothing to set."""

    def test(self, batch: B) -> Iterable[tuple[B, bool]]:
        for answer, run in runs(batch, (value is None for value in batch.values)):
            yield run, answer
