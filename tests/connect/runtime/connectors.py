"""Small connectors the runtime's tests run in real task processes."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from connect import schema
from connect.batch import SinkBatch, SourceBatch, SourceOffset, SourcePartition
from connect.config import integer, optional_string, password, string
from connect.connector import SinkConnector, SinkTask, SourceConnector, SourceTask
from connect.connector_config import SinkConfig, SourceConfig
from connect.errors import RetriableError, SourceError
from connect.validators import at_least

VALUE = schema.struct("counter", [("task", schema.INT32), ("n", schema.INT64)])


class CounterConfig(SourceConfig):
    topic = string("counter.topic", doc="Topic to count into.")
    rows = integer("counter.rows", 10, doc="Rows of a batch.", valid=[at_least(1)])
    pause = integer("counter.pause.ms", 5, doc="Wait between two batches.")
    limit = integer("counter.limit", 1_000_000_000, doc="Where to stop counting.")
    secret = password("counter.secret", doc="Something to hide.")
    fault = string(
        "counter.fault", "", doc="What goes wrong: start, poll, poll-once, hang, mute or plan."
    )
    tasks_file = optional_string("counter.tasks.file", doc="Holds the number of tasks to make.")


class CounterTask(SourceTask):
    def start(self, config: Mapping[str, str]) -> None:
        self.config = CounterConfig(config)
        self.partition: SourcePartition = {"counter": int(config.get("task.number", "0"))}
        stored = self.context.offsets.offset(self.partition)
        self.n = int(str(stored["n"])) if stored else 0
        self.polls = 0
        if self.config.fault == "start":
            raise SourceError("The counter is broken.", cure="Mend it.")

    def poll(self) -> Sequence[SourceBatch]:
        self.polls += 1
        if self.config.fault == "poll":
            raise ValueError("cannot count")
        if self.config.fault == "mute" and self.polls == 2:
            socket.socket(fileno=int(sys.argv[1])).shutdown(socket.SHUT_WR)
        if self.config.fault in ("hang", "mute") and self.polls == 2:
            time.sleep(1000)
        if self.config.fault == "poll-once" and self.polls == 2:
            raise RetriableError("The counter hiccups.", delay=0.01)
        time.sleep(self.config.pause / 1000)
        rows = range(self.n, min(self.n + self.config.rows, self.config.limit))
        if not rows:
            return []
        self.n = rows[-1] + 1
        self.context.gauge("lag_ms", 1.5, table="counter")
        number = self.partition["counter"]
        return [
            SourceBatch(
                topic=self.config.topic,
                key_schema=schema.INT64,
                value_schema=VALUE,
                keys=list(rows),
                values=[(number, n) for n in rows],
                source_partition=self.partition,
                offsets=[{"n": n + 1} for n in rows],
            )
        ]

    def committed(self, offsets: Sequence[tuple[SourcePartition, SourceOffset]]) -> None:
        self.context.gauge("committed_n", float(str(offsets[-1][1]["n"])))

    def stop(self) -> None:
        pass


class CounterSource(SourceConnector):
    config = CounterConfig
    task = CounterTask
    version = "1.0"

    def task_configs(self, settings: Mapping[str, str], max_tasks: int) -> list[dict[str, str]]:
        if settings.get("counter.fault") == "plan":
            raise SourceError("The counter cannot be planned.")
        tasks = max_tasks
        if "counter.tasks.file" in settings:
            tasks = int(Path(settings["counter.tasks.file"]).read_text())
        return [{**settings, "task.number": str(number)} for number in range(tasks)]

    def replan_seconds(self, settings: Mapping[str, str]) -> float | None:
        return 0.05 if "counter.tasks.file" in settings else None

    def check(self, settings: Mapping[str, str]) -> dict[str, list[str]]:
        if settings["counter.topic"] == "nowhere":
            return {"counter.topic": ["There is no topic nowhere."]}
        return {}


class FileConfig(SinkConfig):
    file = string("file", doc="Where to write, one JSON list a line.")
    fault = string(
        "file.fault", "", doc="What goes wrong: busy makes put fail while FILE.busy is there."
    )


class FileTask(SinkTask):
    def start(self, config: Mapping[str, str]) -> None:
        self.config = FileConfig(config)

    def put(self, batches: Sequence[SinkBatch]) -> None:
        if Path(f"{self.config.file}.busy").exists():
            raise RetriableError("The file is busy.", delay=0.1)
        with Path(self.config.file).open("a") as file:
            for batch in batches:
                for record in batch.records():
                    shown = record.value
                    file.write(json.dumps([record.topic, record.key, shown]) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def stop(self) -> None:
        pass


class FileSink(SinkConnector):
    config = FileConfig
    task = FileTask
    version = "1.0"

    def task_configs(self, settings: Mapping[str, str], max_tasks: int) -> list[dict[str, str]]:
        return [dict(settings)] * max_tasks
