"""No documented key is ignored: each is read, refused, or says that it has no effect."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from connect.config import Config, Key
from connect.log.kafka.config import WORKER_WIDE

ROOT = Path(__file__).parents[1]
ROOMS = ("connect", "cdc", "sink", "schema_history")
SOURCES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def configs(base: type[Config] = Config) -> Iterator[type[Config]]:
    """Every set of keys in the rooms; tests have some of their own."""
    for config in base.__subclasses__():
        if config.__module__.partition(".")[0] in ROOMS:
            yield config
        yield from configs(config)


def explained(key: Key[object]) -> bool:
    """It has one value only, or says that it does nothing, or is Kafka's client's."""
    return (
        bool(key.refusal)
        or len(key.choices) == 1
        or key.doc.startswith(("Accepted", "Without effect"))
        or WORKER_WIDE.fullmatch(key.name) is not None
    )


def test_every_key_is_read_or_says_that_it_has_no_effect() -> None:
    attributes: set[str] = set()
    texts: Counter[str] = Counter()
    for path in SOURCES:
        source = path.read_text()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Attribute):
                attributes.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts[node.value] += 1
        if "Config)" in source:
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found = [
        (config, attribute, key)
        for config in configs()
        for attribute, key in vars(config).items()
        if isinstance(key, Key)
    ]
    declarations = Counter(key.name for _, _, key in found)
    ignored = {
        f"{config.__qualname__}: {key.name}"
        for config, attribute, key in found
        if not explained(key)
        and attribute not in attributes
        and texts[key.name] <= declarations[key.name]
    }
    assert len(found) > 200
    assert ignored == set()
