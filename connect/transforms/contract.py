"""Transforms: a batch in, batches out. Predicates: which batches a transform is for.

A built-in transform works out a plan per schema and applies it to the whole batch. Follows
``org.apache.kafka.connect.transforms``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar, TypeVar

from connect.batch import Batch
from connect.config import Config

B = TypeVar("B", bound=Batch)


class Transform(ABC):
    """``config`` declares its keys; ``connect.transforms.chain`` refuses near misses of them."""

    config: ClassVar[type[Config]] = Config

    @abstractmethod
    def configure(self, settings: Mapping[str, str]) -> None:
        """``settings`` without their ``transforms.<alias>.`` prefix. ConfigError where wrong."""

    @abstractmethod
    def apply(self, batch: B) -> Iterable[B]:
        """The batch changed, split or dropped; offsets of kept records stay with them."""


class Predicate(ABC):
    """``config`` declares its keys."""

    config: ClassVar[type[Config]] = Config

    @abstractmethod
    def configure(self, settings: Mapping[str, str]) -> None: ...

    @abstractmethod
    def test(self, batch: B) -> Iterable[tuple[B, bool]]:
        """The batch cut into runs with the answer for each."""
