"""Puts one task together from its spec and runs it to its end, in whatever process this is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from connect import plugins
from connect.connector import SinkConnector, SourceConnector, TaskContext
from connect.connector_config import SinkConfig, SourceConfig
from connect.errors import RetriableError
from connect.log import open_log
from connect.log.contract import Consumer, Log, RebalanceListener
from connect.metrics import TaskMetrics
from connect.offsets import MemoryOffsets
from connect.plugins import Group
from connect.runtime.backoff import Backoff
from connect.runtime.control import Control
from connect.runtime.conversion import Conversion
from connect.runtime.dead_letters import DeadLetters
from connect.runtime.messages import TaskSpec
from connect.runtime.sink_task import SinkLoop, SinkSetup
from connect.runtime.source_task import SourceLoop, SourceSetup
from connect.runtime.tolerance import Tolerance
from connect.runtime.topic_creation import TopicCreation
from connect.runtime.worker_config import WorkerConfig
from connect.transforms.chain import Chain

_log = logging.getLogger(__name__)

MAX_MESSAGES = 5_000
"""Most messages a sink is given at once; ``consumer.override.max.poll.records`` may say less."""

T = TypeVar("T")


def patiently(step: Callable[[], T], control: Control) -> T:
    """The step's result; a fault of the moment is logged and the step done again until stopped."""
    backoff = Backoff()
    while True:
        try:
            return step()
        except RetriableError as error:
            if control.stopping.is_set():
                raise
            delay = backoff.delay(error)
            _log.warning("Tried again in %.1f s: %s", delay, error)
            control.stopping.wait(delay)


def overrides(client: str, settings: Mapping[str, str]) -> dict[str, str]:
    """A connector's own settings for its ``producer`` or ``consumer``, by Kafka's names."""
    prefix = f"{client}.override."
    return {k.removeprefix(prefix): v for k, v in settings.items() if k.startswith(prefix)}


def sink_group(connector: str, settings: Mapping[str, str]) -> str:
    """The consumer group of a sink."""
    return settings.get("consumer.override.group.id", f"connect-{connector}")


def run(spec: TaskSpec, control: Control) -> None:
    """Returns when ``control`` says stop; raises what ended the task otherwise."""
    worker = WorkerConfig(spec.worker_settings)
    with patiently(lambda: open_log(worker.log_settings()), control) as log:
        _run(spec, worker, log, control)


def _run(spec: TaskSpec, worker: WorkerConfig, log: Log, control: Control) -> None:
    settings = spec.connector_settings
    connector = plugins.load(Group.CONNECTORS, settings["connector.class"])
    metrics = TaskMetrics()
    context = TaskContext(
        spec.connector, spec.task, MemoryOffsets(spec.offsets), log, metrics.gauge
    )
    conversion = Conversion.of(worker, settings)
    chain = Chain(settings)
    flush_interval = worker.offset_flush_interval / 1000
    client = f"{spec.connector}-{spec.task}"
    if issubclass(connector, SourceConnector):
        source_config = connector.config(settings)
        assert isinstance(source_config, SourceConfig)
        creation = TopicCreation(settings)
        with log.producer(
            client_id=f"connector-producer-{client}", config=overrides("producer", settings)
        ) as producer:
            source = SourceSetup(
                log=log,
                producer=producer,
                transform=chain.apply,
                conversion=conversion,
                tolerance=Tolerance(source_config, metrics, control.stopping),
                topics=creation if creation.active and worker.topic_creation_enable else None,
                metrics=metrics,
                flush_interval=flush_interval,
                flush_timeout=worker.offset_flush_timeout / 1000,
            )
            SourceLoop(connector.task(context), source, control).run(spec.task_settings)
        return
    assert issubclass(connector, SinkConnector)
    sink_config = connector.config(settings)
    assert isinstance(sink_config, SinkConfig)
    dead_letters = None
    if sink_config.dead_letter_topic:
        dead_producer = log.producer(
            client_id=f"connector-dlq-producer-{client}", config=overrides("producer", settings)
        )
        dead_letters = DeadLetters(log, dead_producer, sink_config, spec.task)

    def consumer(listener: RebalanceListener) -> Consumer:
        return log.consumer(
            sink_group(spec.connector, settings),
            sink_config.topics or sink_config.topics_regex or "",
            client_id=f"connector-consumer-{client}",
            listener=listener,
            config=overrides("consumer", settings),
        )

    sink = SinkSetup(
        consumer=consumer,
        transform=chain.apply,
        conversion=conversion,
        tolerance=Tolerance(sink_config, metrics, control.stopping),
        dead_letters=dead_letters,
        metrics=metrics,
        flush_interval=flush_interval,
        max_messages=MAX_MESSAGES,
    )
    SinkLoop(connector.task(context), sink, control).run(spec.task_settings)
