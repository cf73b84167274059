"""Which settings a source's new topic gets: ``topic.creation.*`` (KIP-158).

Follows ``org.apache.kafka.connect.util.TopicCreationGroup`` and ``NewTopicCreationGroup``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connect.config import parse_list
from connect.errors import ConfigError
from connect.java_regex import compile_regex
from connect.log.contract import NewTopic

_PREFIX = "topic.creation."
_GROUPS = "topic.creation.groups"
_OWN_KEYS = ("include", "exclude", "partitions", "replication.factor")


@dataclass(frozen=True)
class _Group:
    name: str
    include: Sequence[re.Pattern[str]]
    exclude: Sequence[re.Pattern[str]]
    partitions: int | None
    replication: int | None
    config: Mapping[str, str]

    def takes(self, topic: str) -> bool:
        return any(pattern.fullmatch(topic) for pattern in self.include) and not any(
            pattern.fullmatch(topic) for pattern in self.exclude
        )


class TopicCreation:
    """The groups of one connector, in order, the default one last. ConfigError where wrong."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.groups: list[_Group] = []
        if not any(key.startswith(_PREFIX) for key in settings):
            return
        names = parse_list(settings.get(_GROUPS, ""))
        known = [f"{_PREFIX}{name}." for name in (*names, "default")]
        for key in settings:
            if key.startswith(_PREFIX) and key != _GROUPS and not key.startswith(tuple(known)):
                raise ConfigError(
                    key,
                    f"{key} belongs to no group of topics.",
                    cure=f"List its group in {_GROUPS}.",
                )
        default = self._group(settings, "default", None)
        self.groups = [self._group(settings, name, default) for name in names]
        self.groups.append(default)

    @property
    def active(self) -> bool:
        return bool(self.groups)

    @staticmethod
    def _group(settings: Mapping[str, str], name: str, default: _Group | None) -> _Group:
        prefix = f"{_PREFIX}{name}."
        own = {k.removeprefix(prefix): v for k, v in settings.items() if k.startswith(prefix)}

        def number(key: str, fallback: int | None) -> int | None:
            text = own.get(key)
            if text is None:
                if default is not None:
                    return fallback
                raise ConfigError(
                    prefix + key,
                    f'Missing required configuration "{prefix}{key}" which has no default value.',
                )
            if not re.fullmatch(r"-1|[1-9]\d*", text.strip()):
                raise ConfigError(
                    prefix + key,
                    f"Invalid value {text} for configuration {prefix}{key}: "
                    "must be a positive number, or -1 for the broker's default",
                )
            return None if text.strip() == "-1" else int(text)

        def patterns(key: str, fallback: str) -> list[re.Pattern[str]]:
            text = own.get(key, fallback)
            try:
                return [compile_regex(item) for item in parse_list(text)]
            except ValueError as error:
                raise ConfigError(
                    prefix + key, f"Invalid value {text} for configuration {prefix}{key}: {error}"
                ) from error

        if default is not None and "include" not in own:
            raise ConfigError(
                f"{prefix}include",
                f'Missing required configuration "{prefix}include" which has no default value.',
            )
        return _Group(
            name,
            patterns("include", ".*"),
            patterns("exclude", ""),
            number("partitions", default.partitions if default else None),
            number("replication.factor", default.replication if default else None),
            {key: value for key, value in own.items() if key not in _OWN_KEYS},
        )

    def new_topic(self, topic: str) -> NewTopic:
        """What to create; the first group that takes the topic decides."""
        group = next(group for group in self.groups if group.takes(topic))
        return NewTopic(topic, group.partitions, group.replication, group.config)

    @classmethod
    def errors(cls, settings: Mapping[str, str]) -> Iterator[ConfigError]:
        """What is wrong with the settings, for validation."""
        try:
            cls(settings)
        except ConfigError as error:
            yield error
