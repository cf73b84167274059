"""Putting a task together: what is refused, and what waits for the log."""

from __future__ import annotations

from pathlib import Path

import pytest

from connect.config import Config
from connect.connector import SinkConnector
from connect.errors import PluginError, RetriableError
from connect.log import open_log
from connect.log.embedded import EmbeddedLog
from connect.runtime import task
from connect.runtime.messages import Event, TaskSpec
from connect.runtime.status import ConnectorKind
from tests.connect.runtime.conftest import MODULE, sink
from tests.connect.runtime.doubles import Recorder


class StoppedAtStart(Recorder):
    def event(self, event: Event) -> None:
        super().event(event)
        self.stopping.set()


class Unrelated(SinkConnector):
    config = Config


def spec(worker: dict[str, str], **changes: str) -> TaskSpec:
    settings = {**sink(Path("out")).settings, **changes}
    return TaskSpec(
        connector="sink",
        task=0,
        kind=ConnectorKind.SINK,
        worker_settings=worker,
        connector_settings=settings,
        task_settings=settings,
        offsets=[],
        paused=False,
        log_levels={},
    )


def test_a_class_that_is_no_connector_is_named(settings: dict[str, str]) -> None:
    given = spec(settings, **{"connector.class": f"{MODULE}:CounterTask"})
    with pytest.raises(PluginError, match=f"Plugin {MODULE}:CounterTask is neither"):
        task.run(given, Recorder())


def test_a_connector_with_another_kind_of_configuration_is_named(settings: dict[str, str]) -> None:
    given = spec(settings, **{"connector.class": f"{__name__}:Unrelated"})
    with pytest.raises(PluginError, match=f"plugin {__name__}.Unrelated is no SinkConfig"):
        task.run(given, Recorder())


def test_the_dead_letter_topic_waits_for_the_log(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faults = [RetriableError("away", delay=0.01)] * 2
    partitions = EmbeddedLog.partitions

    def sometimes(self: EmbeddedLog, topic: str) -> int | None:
        if topic == "dead" and faults:
            raise faults.pop()
        return partitions(self, topic)

    monkeypatch.setattr(EmbeddedLog, "partitions", sometimes)
    control = StoppedAtStart()
    task.run(spec(settings, **{"errors.deadletterqueue.topic.name": "dead"}), control)
    assert Event.STARTED in control.said
    with open_log({"log.file": str(tmp_path / "connect.log")}) as log:
        assert log.partitions("dead") == 1
