"""Which log a worker's settings name."""

from __future__ import annotations

from pathlib import Path

import pytest

from connect.errors import ConfigError
from connect.log import open_log


def test_bootstrap_servers_mean_kafka() -> None:
    with open_log({"bootstrap.servers": "127.0.0.1:1", "log.file": "/nowhere/x"}) as log:
        assert log.kind == "kafka"


def test_a_file_means_the_embedded_log(tmp_path: Path) -> None:
    with open_log({"log.file": str(tmp_path / "log.db")}) as log:
        assert log.kind == "embedded"


def test_neither_is_an_error_that_names_both() -> None:
    with pytest.raises(ConfigError, match=r"bootstrap\.servers.*log\.file") as caught:
        open_log({"group.id": "x"})
    assert caught.value.key == "bootstrap.servers"
