"""Filter: drops every record it sees; with a predicate, those the predicate chooses.

Follows ``org.apache.kafka.connect.transforms.Filter``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, TypeVar

from connect.batch import Batch
from connect.config import Config
from connect.transforms.contract import Transform

B = TypeVar("B", bound=Batch)


class FilterConfig(Config):
    """No keys."""


class Filter(Transform):
    config: ClassVar[type[Config]] = FilterConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        FilterConfig(settings)

    def apply(self, batch: B) -> Iterable[B]:
        return ()
