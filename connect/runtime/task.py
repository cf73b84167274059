"""Puts one task together from its spec and runs it to its end, in whatever process this is."""

from __future__ import annotations

from collections.abc import Mapping

from connect import plugins
from connect.connector import Connector, SinkConnector, SourceConnector, TaskContext
from connect.connector_config import SinkConfig, SourceConfig
from connect.errors import PluginError
from connect.log import open_log
from connect.log.contract import Consumer, Log, RebalanceListener
from connect.metrics import TaskMetrics
from connect.offsets import MemoryOffsets
from connect.plugins import Group
from connect.runtime.backoff import patiently
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

MAX_MESSAGES = 5_000
"""Most messages a sink is given at once; ``consumer.override.max.poll.records`` may say less."""


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
    with patiently(
        lambda: open_log(worker.log_settings(), control.stopping),
        "Opening the log",
        control.stopping,
    ) as log:
        name = spec.connector_settings["connector.class"]
        connector = plugins.load(Group.CONNECTORS, name)
        if issubclass(connector, SourceConnector):
            _run_source(connector, spec, worker, log, control)
        elif issubclass(connector, SinkConnector):
            _run_sink(connector, spec, worker, log, control)
        else:
            raise PluginError(f"Plugin {name} is neither a SourceConnector nor a SinkConnector.")


def _run_source(
    connector: type[SourceConnector],
    spec: TaskSpec,
    worker: WorkerConfig,
    log: Log,
    control: Control,
) -> None:
    settings = spec.connector_settings
    config = connector.config(settings)
    if not isinstance(config, SourceConfig):
        raise _foreign(connector, "SourceConfig")
    metrics = TaskMetrics()
    creation = TopicCreation(settings)
    with log.producer(
        client_id=f"connector-producer-{spec.connector}-{spec.task}",
        config=overrides("producer", settings),
    ) as producer:
        setup = SourceSetup(
            log=log,
            producer=producer,
            transform=Chain(settings).apply,
            conversion=Conversion.of(worker, settings),
            tolerance=Tolerance(config, metrics, control.stopping),
            topics=creation if creation.active and worker.topic_creation_enable else None,
            metrics=metrics,
            flush_interval=worker.offset_flush_interval / 1000,
            flush_timeout=worker.offset_flush_timeout / 1000,
        )
        task = connector.task(_context(spec, log, metrics))
        SourceLoop(task, setup, control).run(spec.task_settings)


def _run_sink(
    connector: type[SinkConnector], spec: TaskSpec, worker: WorkerConfig, log: Log, control: Control
) -> None:
    settings = spec.connector_settings
    config = connector.config(settings)
    if not isinstance(config, SinkConfig):
        raise _foreign(connector, "SinkConfig")
    metrics = TaskMetrics()
    client = f"{spec.connector}-{spec.task}"
    dead_letters = None
    if config.dead_letter_topic:
        producer = log.producer(
            client_id=f"connector-dlq-producer-{client}", config=overrides("producer", settings)
        )
        dead_letters = patiently(
            lambda: DeadLetters(log, producer, config, spec.task),
            "Creating the dead letter topic",
            control.stopping,
        )

    def consumer(listener: RebalanceListener) -> Consumer:
        return log.consumer(
            sink_group(spec.connector, settings),
            config.topics or config.topics_regex or "",
            client_id=f"connector-consumer-{client}",
            listener=listener,
            config=overrides("consumer", settings),
        )

    setup = SinkSetup(
        consumer=consumer,
        transform=Chain(settings).apply,
        conversion=Conversion.of(worker, settings),
        tolerance=Tolerance(config, metrics, control.stopping),
        dead_letters=dead_letters,
        metrics=metrics,
        flush_interval=worker.offset_flush_interval / 1000,
        max_messages=MAX_MESSAGES,
    )
    task = connector.task(_context(spec, log, metrics))
    SinkLoop(task, setup, control).run(spec.task_settings)


def _context(spec: TaskSpec, log: Log, metrics: TaskMetrics) -> TaskContext:
    return TaskContext(spec.connector, spec.task, MemoryOffsets(spec.offsets), log, metrics.gauge)


def _foreign(connector: type[Connector], base: str) -> PluginError:
    name = f"{connector.__module__}.{connector.__qualname__}"
    return PluginError(f"The configuration of plugin {name} is no {base}.")
