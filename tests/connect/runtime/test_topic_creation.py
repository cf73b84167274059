"""Topic settings of sources, group by group."""

from __future__ import annotations

import pytest

from connect.errors import ConfigError
from connect.log.contract import NewTopic
from connect.runtime.topic_creation import TopicCreation

DEFAULT = {
    "topic.creation.default.partitions": "-1",
    "topic.creation.default.replication.factor": "3",
    "topic.creation.default.cleanup.policy": "compact",
}
GROUPS = DEFAULT | {
    "topic.creation.groups": "big, logs",
    "topic.creation.big.include": r"shop\..*, other",
    "topic.creation.big.exclude": r"shop\.small",
    "topic.creation.big.partitions": "12",
    "topic.creation.logs.include": ".*log, shop.*",
    "topic.creation.logs.retention.ms": "1000",
}


def test_nothing_set_leaves_topics_to_the_broker() -> None:
    assert not TopicCreation({"name": "a", "topics": "t"}).active


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("elsewhere", NewTopic("elsewhere", None, 3, {"cleanup.policy": "compact"})),
        ("shop.orders", NewTopic("shop.orders", 12, 3, {})),
        ("other", NewTopic("other", 12, 3, {})),
        ("shop.small", NewTopic("shop.small", None, 3, {"retention.ms": "1000"})),
        ("the.log", NewTopic("the.log", None, 3, {"retention.ms": "1000"})),
    ],
)
def test_the_first_group_that_takes_a_topic_decides(topic: str, expected: NewTopic) -> None:
    assert TopicCreation(GROUPS).new_topic(topic) == expected


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"topic.creation.default.partitions": None}, "topic.creation.default.partitions"),
        ({"topic.creation.default.partitions": "0"}, "topic.creation.default.partitions"),
        ({"topic.creation.big.include": None}, "topic.creation.big.include"),
        ({"topic.creation.big.include": "("}, "topic.creation.big.include"),
        ({"topic.creation.small.include": "a"}, "topic.creation.small.include"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, str | None], key: str) -> None:
    settings = {k: v for k, v in {**GROUPS, **change}.items() if v is not None}
    with pytest.raises(ConfigError) as caught:
        TopicCreation(settings)
    assert caught.value.key == key
    assert [error.key for error in TopicCreation.errors(settings)] == [key]
