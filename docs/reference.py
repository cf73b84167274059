"""Writes docs/configuration.md from the declarations in the code: ``python -m docs.reference``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from connect import plugins
from connect.config import Config, Key
from connect.runtime.worker_config import WorkerConfig
from schema_history.storage import HistoryConfig

TARGET = Path(__file__).with_name("configuration.md")


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Configuration"
    yield ""
    yield "Made from the code by `make docs`. A key marked *refused* is known from the Java"
    yield "original and not supported: anything but its default is an error that says so. A key"
    yield "that is not listed gives a warning, or an error where it looks like a typo of one."
    yield from _section("Worker", WorkerConfig.keys.values())
    for title, config in _plugins(plugins.Group.CONNECTORS):
        yield from _section(title, config.keys.values())
        prefixes = config.prefixes
        yield ""
        yield "Passed on by prefix: " + ", ".join(f"`{prefix}*`" for prefix in prefixes) + "."

    common = HistoryConfig.keys
    for title, config in _plugins(plugins.Group.HISTORIES):
        own = [key for name, key in config.keys.items() if name not in common]
        if own:
            yield from _section(title, own)


def _plugins(group: plugins.Group) -> list[tuple[str, type[Config]]]:
    """The configurations of a group's plugins, each with all of its names."""
    names: dict[type[Any], list[str]] = {}
    for name, plugin in plugins.classes(group).items():
        names.setdefault(plugin, []).append(f"`{name}`")
    return [(", ".join(found), plugin.config) for plugin, found in names.items()]


def _section(title: str, keys: Iterable[Key[object]]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield "| key | type | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for key in keys:
        yield f"| `{key.name}` | {key.kind.lower()} | {_default(key)} | {_meaning(key)} |"


def _default(key: Key[object]) -> str:
    if key.required:
        return "**required**"
    return f"`{key.default_text}`" if key.default_text else ""


def _meaning(key: Key[object]) -> str:
    if key.refusal:
        return f"*refused*: {key.refusal}"
    text = key.doc.replace("|", r"\|").replace("\n", " ")
    return f"{text} One of: {', '.join(key.choices)}." if key.choices else text


def main() -> None:
    TARGET.write_text(page())


if __name__ == "__main__":
    main()
