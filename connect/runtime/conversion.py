"""The three converters of a connector: its own, or the worker's with the worker's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connect import plugins
from connect.batch import Batch, Header
from connect.converters.contract import Converter, HeaderConverter
from connect.log.contract import Headers
from connect.plugins import Group
from connect.runtime.worker_config import WorkerConfig

KEY, VALUE, HEADER = KEYS = ("key.converter", "value.converter", "header.converter")


def _chosen(
    worker: WorkerConfig, settings: Mapping[str, str], key: str
) -> tuple[str, dict[str, str]]:
    """Class name and options of a converter."""
    own = key in settings
    source = settings if own else worker.settings
    prefix = f"{key}."
    options = {k.removeprefix(prefix): v for k, v in source.items() if k.startswith(prefix)}
    return settings[key] if own else worker.converter_name(key), options


def converter(worker: WorkerConfig, settings: Mapping[str, str], key: str) -> Converter:
    """The key or value converter of a connector. ConfigError, PluginError where wrong."""
    name, options = _chosen(worker, settings, key)
    made: Converter = plugins.load(Group.CONVERTERS, name)()
    made.configure(options, is_key=key == KEY)
    return made


def header_converter(worker: WorkerConfig, settings: Mapping[str, str]) -> HeaderConverter:
    """The header converter of a connector. ConfigError, PluginError where wrong."""
    name, options = _chosen(worker, settings, HEADER)
    made: HeaderConverter = plugins.load(Group.HEADER_CONVERTERS, name)()
    made.configure(options, is_key=False)
    return made


@dataclass(frozen=True)
class Conversion:
    """Between batches and the bytes of messages."""

    key: Converter
    value: Converter
    header: HeaderConverter

    @classmethod
    def of(cls, worker: WorkerConfig, settings: Mapping[str, str]) -> Conversion:
        """As the connector's and the worker's settings say."""
        return cls(
            converter(worker, settings, KEY),
            converter(worker, settings, VALUE),
            header_converter(worker, settings),
        )

    def encode_keys(self, batch: Batch) -> Sequence[bytes | None]:
        return self.key.encode(batch.topic, batch.key_schema, batch.keys)

    def encode_values(self, batch: Batch) -> Sequence[bytes | None]:
        return self.value.encode(batch.topic, batch.value_schema, batch.values)

    def encode_headers(self, batch: Batch) -> Headers:
        encode = self.header.encode_header
        return [(header.name, encode(batch.topic, header)) for header in batch.headers]

    def decode_headers(self, topic: str, headers: Headers) -> tuple[Header, ...]:
        decode = self.header.decode_header
        return tuple(decode(topic, name, payload) for name, payload in headers)
