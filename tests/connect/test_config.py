"""Declared keys: parsing, defaults, errors in Kafka's words, validate answers."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect.config import (
    HIDDEN,
    REQUIRED,
    Config,
    Kind,
    Password,
    boolean,
    choice,
    class_name,
    integer,
    listing,
    optional_string,
    parse_list,
    password,
    refused,
    string,
)
from connect.errors import ConfigError
from connect.validators import at_least, java_regexes, matching, not_empty


class Mode(StrEnum):
    INITIAL = "initial"
    NO_DATA = "no_data"
    WHEN_NEEDED = "when_needed"


class ShopConfig(Config):
    prefixes = ("driver.",)

    topic_prefix = string(
        "topic.prefix", doc="Name.", valid=[not_empty, matching(r"[\w.-]+", "letters")]
    )
    mode = choice(
        "snapshot.mode", Mode, Mode.INITIAL, doc="Mode.",
        refused_options={Mode.WHEN_NEEDED: "not yet"},
    )  # fmt: skip
    port = integer("database.port", 3306, doc="Port.", valid=[at_least(1)])
    limit = integer("limit", None, kind=Kind.LONG, doc="Limit.")
    strict = boolean("strict", False, doc="Strict.")
    tables = listing("table.include.list", doc="Tables.", valid=[java_regexes])
    secret = password("database.password", doc="Secret.")
    note = optional_string("note", doc="Note.")
    old = refused("old.key", False, "it was taken out", kind=Kind.BOOLEAN)
    old_size = refused("old.size", 0, "it was taken out", kind=Kind.INT)
    old_mode = refused("old.mode", "SELECT_ALL", "one way is left", aliases=["org.example.All"])

    def check(self) -> Iterator[ConfigError]:
        if self.strict and not self.tables:
            yield ConfigError("table.include.list", "strict needs tables.", cure="List some.")


class MoreConfig(ShopConfig):
    prefixes = ("more.",)
    kind = class_name("kind", "a.b.C", doc="Class.")
    port = integer("database.port", 3307, doc="Port.")


GOOD = {"topic.prefix": "shop"}


def test_values_are_typed_and_defaults_hold() -> None:
    config = ShopConfig(
        GOOD
        | {
            "snapshot.mode": " No_Data ",
            "database.port": "3310",
            "strict": "TRUE",
            "table.include.list": " a.b , c ",
            "database.password": " s p ",
            "driver.x": "1",
        }
    )
    assert config.topic_prefix == "shop"
    assert config.mode is Mode.NO_DATA
    assert (config.port, config.limit, config.strict) == (3310, None, True)
    assert config.tables == ["a.b", "c"]
    assert (config.secret, config.note, config.old) == (" s p ", None, False)
    assert config.under("driver.") == {"x": "1"}


def test_subclasses_inherit_keys_and_prefixes() -> None:
    assert MoreConfig(GOOD).port == 3307
    assert ShopConfig(GOOD).port == 3306
    assert MoreConfig.prefixes == ("driver.", "more.")
    assert list(MoreConfig.keys)[:2] == ["topic.prefix", "snapshot.mode"]


@pytest.mark.parametrize(
    ("settings", "key", "message"),
    [
        ({}, "topic.prefix",
         'Missing required configuration "topic.prefix" which has no default value.'),
        ({"topic.prefix": ""}, "topic.prefix",
         "Invalid value  for configuration topic.prefix: must not be empty"),
        ({"topic.prefix": "a b"}, "topic.prefix", "must be letters"),
        (GOOD | {"database.port": "x"}, "database.port",
         "Invalid value x for configuration database.port: Not a number of type INT"),
        (GOOD | {"database.port": "2147483648"}, "database.port", "Not a number of type INT"),
        (GOOD | {"database.port": "1.5"}, "database.port", "Not a number of type INT"),
        (GOOD | {"database.port": "0"}, "database.port", "Value must be at least 1"),
        (GOOD | {"strict": "yes"}, "strict", "Expected value to be either true or false"),
        (GOOD | {"snapshot.mode": "never"}, "snapshot.mode",
         "Value must be one of initial, no_data"),
        (GOOD | {"snapshot.mode": "when_needed"}, "snapshot.mode", "not supported: not yet"),
        (GOOD | {"old.key": "true"}, "old.key",
         "old.key=true is not supported: it was taken out"),
        (GOOD | {"old.key": "ture"}, "old.key", "Expected value to be either true or false"),
        (GOOD | {"old.size": "1.5"}, "old.size", "Not a number of type INT"),
        (GOOD | {"old.mode": "custom"}, "old.mode",
         "old.mode=custom is not supported: one way is left"),
        (GOOD | {"table.include.list": "a(b"}, "table.include.list", "not a regular expression"),
        (GOOD | {"strict": "true"}, "table.include.list", "strict needs tables. List some."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(settings: dict[str, str], key: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ShopConfig(settings)
    assert caught.value.key == key
    assert message in str(caught.value)
    (result,) = (r for r in ShopConfig.validate(settings) if r.errors)
    assert result.key.name == key
    assert message in result.errors[0]


def test_the_default_of_a_refused_key_is_allowed() -> None:
    assert ShopConfig(GOOD | {"old.key": "False"}).old is False
    assert ShopConfig(GOOD | {"old.size": "+0"}).old_size == 0
    for text in ("SELECT_ALL", "select_all", "org.example.All"):
        assert ShopConfig(GOOD | {"old.mode": text}).old_mode == "SELECT_ALL"


def test_validate_shows_every_key_and_hides_secrets() -> None:
    settings: dict[str, str | None] = {**GOOD, "database.password": "pw", "strict": "false"}
    results = {result.key.name: result for result in ShopConfig.validate(settings)}
    assert list(results) == list(ShopConfig.keys)
    assert results["database.password"].shown == HIDDEN
    assert results["strict"].shown == "false"
    assert results["snapshot.mode"].shown == "initial"
    assert results["table.include.list"].shown == ""
    assert results["limit"].shown is None
    assert not any(result.errors for result in results.values())


def test_a_null_for_a_required_key() -> None:
    results = ShopConfig.validate({"topic.prefix": None})
    assert results[0].errors == ['Invalid value null for configuration "topic.prefix"']


def test_default_texts() -> None:
    keys = ShopConfig.keys
    assert keys["topic.prefix"].default is REQUIRED
    assert keys["topic.prefix"].default_text is None
    assert keys["snapshot.mode"].default_text == "initial"
    assert keys["strict"].default_text == "false"
    assert keys["table.include.list"].default_text == ""
    assert keys["snapshot.mode"].choices == ("initial", "no_data")


def test_unknown_keys_and_typos() -> None:
    settings = {"topic.prefx": "x", "driver.any": "x", "colour": "x", **GOOD}
    assert list(ShopConfig.unknown(settings)) == [
        ("topic.prefx", "topic.prefix"),
        ("colour", None),
    ]


def test_a_password_does_not_show_itself() -> None:
    assert "pw" not in repr(Password("pw"))
    assert "pw" not in repr([Password("pw")])


@given(st.lists(st.text(alphabet="abc.-", min_size=1)))
def test_lists_are_read_back(items: list[str]) -> None:
    assert parse_list(" , ".join(items)) == items


@given(st.text())
def test_validate_never_raises(text: str) -> None:
    settings: dict[str, str | None] = dict.fromkeys(ShopConfig.keys, text)
    assert len(ShopConfig.validate(settings)) == len(ShopConfig.keys)
