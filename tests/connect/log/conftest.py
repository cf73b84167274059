"""Each test that asks for ``log`` runs on a real broker and on a real file."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from connect.log.contract import Log
from connect.log.embedded import EmbeddedLog
from connect.log.kafka import KafkaLog, faults


@pytest.fixture(autouse=True)
def _all_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another test has logged is logged again."""
    for logger in (faults.LOGGER, faults.LIBRARY):
        monkeypatch.setattr(logger, "filters", [faults.Seldom()])


@pytest.fixture(params=["kafka", "embedded"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    if request.param == "kafka":
        return {"bootstrap.servers": request.getfixturevalue("kafka").url}
    return {"log.file": str(tmp_path / "log.db")}


@pytest.fixture
def open_log() -> Callable[[Mapping[str, str]], Log]:
    def open_one(settings: Mapping[str, str]) -> Log:
        return EmbeddedLog(settings) if "log.file" in settings else KafkaLog(settings)

    return open_one


@pytest.fixture
def log(settings: dict[str, str], open_log: Callable[[Mapping[str, str]], Log]) -> Iterator[Log]:
    with open_log(settings) as found:
        yield found


@pytest.fixture
def name() -> str:
    """A topic or group name of the test's own."""
    return f"test-{uuid.uuid4().hex[:12]}"
