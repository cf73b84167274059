"""Filter: drops every record it sees; with a predicate, those the predicate chooses.

Follows ``org.apache.kafka.connect.transforms.Filter``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from connect.batch import Batch
from connect.transforms.contract import Transform

B = TypeVar("B", bound=Batch)


class Filter(Transform):
    def configure(self, settings: Mapping[str, str]) -> None:
        """Nothing to set."""

    def apply(self, batch: B) -> Iterable[B]:
        return ()
