"""Plugins by full name, simple name and module:Class."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from connect import plugins
from connect.converters.string import StringConverter
from connect.errors import PluginError
from connect.plugins import Group

STRING = "org.apache.kafka.connect.storage.StringConverter"


@pytest.fixture(autouse=True)
def points(monkeypatch: pytest.MonkeyPatch) -> None:
    target = "connect.converters.string:StringConverter"
    found = {
        name: EntryPoint(name, value, Group.CONVERTERS.value)
        for name, value in (
            (STRING, target),
            ("text", target),
            ("com.shop.TillConnector", target),
            ("broken", "no.such.module:Thing"),
        )
    }
    monkeypatch.setattr(plugins, "_points", lambda group: found)


@pytest.mark.parametrize(
    "name",
    [STRING, "StringConverter", "text", "TillConnector", "Till",
     "connect.converters.string:StringConverter"],
)  # fmt: skip
def test_found(name: str) -> None:
    assert plugins.load(Group.CONVERTERS, name) is StringConverter


@pytest.mark.parametrize(
    "name",
    ["broken", "no.such.module:Thing", "connect.schema:Nothing", "json:dumps", ":Nothing",
     "torn_plugin:Thing", "angry_plugin:Thing"],
)  # fmt: skip
def test_not_loadable(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "torn_plugin.py").write_text("class Thing(")
    (tmp_path / "angry_plugin.py").write_text("raise ValueError('no licence')")
    with pytest.raises(PluginError, match=f"Plugin {name} cannot be loaded"):
        plugins.load(Group.CONVERTERS, name)


def test_unknown() -> None:
    with pytest.raises(PluginError, match="which name matches Nope") as caught:
        plugins.load(Group.CONVERTERS, "Nope")
    assert STRING in caught.value.cure


def test_each_class_under_each_full_name() -> None:
    assert plugins.classes(Group.CONVERTERS) == {
        STRING: StringConverter,
        "com.shop.TillConnector": StringConverter,
    }
