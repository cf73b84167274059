"""A mirror at work: a worker in this process that runs a plan's connectors."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Self

from cdc.cli.interrupt import Interrupt
from cdc.cli.mirror_plan import MirrorPlan
from cdc.cli.mirror_source import MirrorSource, reached
from cdc.cli.mirror_state import MirrorState
from cdc.cli.status import MirrorStatus
from cdc.offset import Offset
from connect.errors import ConfigError
from connect.log import open_log
from connect.log.contract import Log, TopicPartition
from connect.runtime.connector_file import ConnectorRequest
from connect.runtime.standalone import Worker
from connect.runtime.status import State
from connect.runtime.task import sink_group
from schema_history import TableId


class Mirror:
    """A context manager: inside, the mirror runs.

    Entering waits for the log, until interrupted (RetriableError), and checks the target;
    ConfigError if that does not answer. ``status`` also works afterwards.
    """

    def __init__(
        self,
        plan: MirrorPlan,
        source: MirrorSource,
        tables: Sequence[TableId],
        interrupt: Interrupt,
    ) -> None:
        self._plan = plan
        self._state = MirrorState(plan.state, plan.identity)
        self._source = source
        self._topics = {source.topic(table) for table in tables}
        self._worker = Worker(plan.worker)
        interrupt.then.append(self._worker.stopping.set)
        self._stack = ExitStack()
        self._log: Log

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._worker)
            self._log = stack.enter_context(open_log(self._worker.config.log_settings()))
            for settings in self._plan.connectors:
                for error in self._worker.validate(settings).errors:
                    raise ConfigError(settings["name"], error)
            self._state.claim()
            for settings in self._plan.connectors:
                self._worker.create(ConnectorRequest(settings["name"], settings))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """Where the worker's REST is served."""
        return self._worker.url

    def status(self) -> MirrorStatus:
        return MirrorStatus.of(self._worker.tasks())

    def failed(self) -> bool:
        """Whether a part has ended by an error, which is in the log then."""
        return any(
            State.FAILED in (connector.state, *(task.state for task in connector.tasks))
            for connector in self._worker.connectors()
        )

    def caught_up(self, position: Offset) -> bool:
        """Whether all before ``position`` is in the target.

        It is when the source's stored offset says that all of it is in the log, and the sink has
        committed, after that, everything the log holds.
        """
        stored = self._worker.offsets.all(self._plan.source["name"])
        if not any(reached(position, offset) for _, offset in stored):
            return False
        return self._plan.sink is None or self._drained(self._plan.sink)

    def _drained(self, sink: dict[str, str]) -> bool:
        written = self._worker.connector(self._plan.source["name"]).topics
        ends = {
            TopicPartition(topic, partition): end
            for topic in self._topics.union(written)
            if topic.startswith(self._plan.data_topics) and self._log.partitions(topic)
            for partition, end in self._log.end_offsets(topic).items()
        }
        group = sink_group(sink["name"], sink)
        with self._log.consumer(group, [], client_id="mirror") as consumer:
            committed = consumer.committed(list(ends))
        return all((committed[place] or 0) >= end for place, end in ends.items())
