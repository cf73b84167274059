"""The dead letter topic: where a sink puts records it could not convert.

Follows ``org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter``.
"""

from __future__ import annotations

import traceback

from connect.connector_config import SinkConfig
from connect.errors import RetriableError
from connect.log.contract import Log, Message, NewTopic, Producer
from connect.runtime.tolerance import Stage

_PREFIX = "__connect.errors."
_FLUSH_TIMEOUT = 30.0


class DeadLetters:
    """Writes failed records as they came, with headers that say why if the connector asks so."""

    def __init__(self, log: Log, producer: Producer, config: SinkConfig, task: int) -> None:
        self._producer = producer
        self._config = config
        self._task = task
        self.topic = config.dead_letter_topic
        if log.partitions(self.topic) is None:
            log.create_topics([NewTopic(self.topic, 1, config.dead_letter_replication)])

    def write(self, message: Message, stage: Stage, component: str, error: Exception) -> None:
        headers = list(message.headers)
        if self._config.dead_letter_headers:
            kind = type(error)
            context = {
                "topic": message.topic,
                "partition": str(message.partition),
                "offset": str(message.offset),
                "connector.name": self._config.name,
                "task.id": str(self._task),
                "stage": stage.value,
                "class.name": component,
                "exception.class.name": f"{kind.__module__}.{kind.__qualname__}",
                "exception.message": str(error),
                "exception.stacktrace": "".join(traceback.format_exception(error)),
            }
            headers += [(_PREFIX + name, text.encode()) for name, text in context.items()]
        self._producer.produce(
            self.topic,
            [message.key],
            [message.value],
            headers=headers,
            timestamps=[message.timestamp] if message.timestamp >= 0 else (),
        )

    def flushed(self) -> bool:
        """True once everything written is safe; offsets must not be committed before."""
        try:
            self._producer.flush(_FLUSH_TIMEOUT)
        except RetriableError:
            return False
        return True

    def close(self) -> None:
        self._producer.close()
