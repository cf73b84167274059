"""TimestampRouter: puts the record's time into the name of its topic.

Follows ``org.apache.kafka.connect.transforms.TimestampRouter``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar, TypeVar

from connect.batch import Batch
from connect.config import Config, string
from connect.errors import ConfigError, DataError
from connect.java_dates import DateFormat
from connect.transforms.contract import Transform
from connect.transforms.side import runs

B = TypeVar("B", bound=Batch)


class TimestampRouterConfig(Config):
    topic_format = string(
        "topic.format", "${topic}-${timestamp}", doc="The new name, with these two placeholders."
    )
    timestamp_format = string(
        "timestamp.format", "yyyyMMdd", doc="Pattern of java.text.SimpleDateFormat, in UTC."
    )


class TimestampRouter(Transform):
    config: ClassVar[type[Config]] = TimestampRouterConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        keys = TimestampRouterConfig(settings)
        self._topic_format = keys.topic_format
        try:
            self._timestamp_format = DateFormat(keys.timestamp_format)
        except ValueError as error:
            raise ConfigError("timestamp.format", f"timestamp.format: {error}.") from error

    def apply(self, batch: B) -> Iterable[B]:
        if not batch.timestamps and len(batch):
            raise DataError(
                f"TimestampRouter needs timestamps, but topic {batch.topic} has a record without.",
                cure="Use InsertField and another router, or a source that sets them.",
            )
        for text, run in runs(batch, map(self._timestamp_format.format, batch.timestamps)):
            named = self._topic_format.replace("${topic}", batch.topic)
            yield replace(run, topic=named.replace("${timestamp}", text))
