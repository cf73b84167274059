"""Converters: between Connect values with their schema and bytes.

A converter is configured once and is asked for whole columns of values of one schema, so an
implementation compiles a plan per schema and caches it. Follows
``org.apache.kafka.connect.storage.Converter``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from connect.batch import Header
from connect.config import Config
from connect.schema import Schema, Value


class Decoded(NamedTuple):
    """One decoded key or value; both None for null bytes."""

    schema: Schema | None
    value: Value


class Converter(ABC):
    """``config`` declares its keys."""

    config: ClassVar[type[Config]] = Config

    @abstractmethod
    def configure(self, settings: Mapping[str, str], *, is_key: bool) -> None:
        """``settings`` without their ``key.converter.`` / ``value.converter.`` prefix.

        ConfigError for one that is unknown in value.
        """

    @abstractmethod
    def encode(
        self, topic: str, schema: Schema | None, values: Sequence[Value]
    ) -> Sequence[bytes | None]:
        """Bytes for each value. A None value with a value column gives None: a tombstone."""

    @abstractmethod
    def decode(self, topic: str, payloads: Iterable[bytes | None]) -> list[Decoded]:
        """Values with their schemas; equal schemas come back as the identical object, so that runs
        of one schema are found by ``is``. DataError names what cannot be read."""


class HeaderConverter(ABC):
    """Between header values and bytes. Follows ``...connect.storage.HeaderConverter``."""

    config: ClassVar[type[Config]] = Config

    @abstractmethod
    def configure(self, settings: Mapping[str, str], *, is_key: bool) -> None:
        """As ``Converter.configure``, without the ``header.converter.`` prefix; not for a key."""

    @abstractmethod
    def encode_header(self, topic: str, header: Header) -> bytes | None:
        """The bytes of one header. DataError names the header that has none."""

    @abstractmethod
    def decode_header(self, topic: str, name: str, payload: bytes | None) -> Header:
        """One header out of its bytes. DataError names what cannot be read."""
