"""Configuration declared once, typed: parsing, validation, REST answers and docs come from here.

A connector (or the worker, a transform, a converter) declares its keys as class attributes::

    class ShopConfig(Config):
        topic_prefix = string("topic.prefix", doc="Logical name.", valid=[not_empty])
        mode = choice("snapshot.mode", SnapshotMode, SnapshotMode.INITIAL, doc="...")

``ShopConfig(settings).topic_prefix`` is then a ``str``. ``ShopConfig.validate(settings)`` gives
every key with value and errors, as Kafka Connect's validate answer wants it. Rules over several
keys go into ``check``. A key that exists elsewhere but is not supported is declared ``refused``.

Follows ``org.apache.kafka.common.config.ConfigDef``, its parsing rules and error texts included.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

from connect.errors import ConfigError

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

HIDDEN = "[hidden]"


class Kind(StrEnum):
    STRING = "STRING"
    INT = "INT"
    SHORT = "SHORT"
    LONG = "LONG"
    DOUBLE = "DOUBLE"
    BOOLEAN = "BOOLEAN"
    LIST = "LIST"
    CLASS = "CLASS"
    PASSWORD = "PASSWORD"


class Importance(StrEnum):
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class Password(str):
    """A secret: shows itself only where it is used on purpose."""

    __slots__ = ()

    def __repr__(self) -> str:
        return HIDDEN


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()
"""The default of a key that has none."""

Validator = Callable[[Any], str | None]
"""Says what is wrong with a parsed value, or None."""


class Key(Generic[T]):
    """One configuration key; as a class attribute of a Config it reads as its typed value."""

    def __init__(
        self,
        name: str,
        kind: Kind,
        default: object,
        parse: Callable[[str], T],
        *,
        doc: str,
        importance: Importance,
        group: str,
        valid: Sequence[Validator] = (),
        choices: Sequence[str] = (),
        refusal: str = "",
    ) -> None:
        self.name = name
        self.kind = kind
        self.default = default
        self.parse = parse
        self.doc = doc
        self.importance = importance
        self.group = group
        self.valid = tuple(valid)
        self.choices = tuple(choices)
        self.refusal = refusal

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    @property
    def default_text(self) -> str | None:
        """The default as a settings file would write it; None where there is none."""
        if self.default is None or self.required:
            return None
        if isinstance(self.default, bool):
            return str(self.default).lower()
        if isinstance(self.default, (list, tuple)):
            return ",".join(map(str, self.default))
        return str(self.default)

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Config, owner: type) -> T: ...
    def __get__(self, instance: Config | None, owner: type) -> Self | T:
        if instance is None:
            return self
        return instance.values[self.name]  # type: ignore[no-any-return]

    def read(self, settings: Mapping[str, str | None]) -> tuple[object, list[str]]:
        """The value as parsed (or the default) and what is wrong with it, in Kafka's words."""
        text = settings.get(self.name)
        if text is None:
            if self.name in settings and self.kind is not Kind.PASSWORD and self.required:
                return None, [f'Invalid value null for configuration "{self.name}"']
            if self.required:
                message = (
                    f'Missing required configuration "{self.name}" which has no default value.'
                )
                return None, [message]
            return self.default, []
        try:
            value: object = self.parse(text.strip() if self.kind is not Kind.PASSWORD else text)
        except ValueError as error:
            return text, [f"Invalid value {text} for configuration {self.name}: {error}"]
        if self.refusal and value != self.default:
            return value, [f"{self.name}={text} is not supported: {self.refusal}"]
        problems = [problem for check in self.valid if (problem := check(value))]
        shown = HIDDEN if self.kind is Kind.PASSWORD else text
        return value, [
            f"Invalid value {shown} for configuration {self.name}: {p}" for p in problems
        ]


@dataclass(frozen=True)
class KeyResult:
    """One key in a validate answer."""

    key: Key[Any]
    value: object
    errors: list[str] = field(default_factory=list)

    @property
    def shown(self) -> str | None:
        """The value as text, secrets hidden."""
        if self.value is None:
            return None
        if self.key.kind is Kind.PASSWORD:
            return HIDDEN
        if isinstance(self.value, bool):
            return str(self.value).lower()
        if isinstance(self.value, (list, tuple)):
            return ",".join(map(str, self.value))
        return str(self.value)


class Config:
    """Base of every set of keys. Making one raises ConfigError for the first thing wrong."""

    keys: ClassVar[Mapping[str, Key[Any]]] = {}
    prefixes: ClassVar[tuple[str, ...]] = ()
    """Settings that start so belong to someone else (a converter, a driver) and are passed on."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        found: dict[str, Key[Any]] = {}
        for base in reversed(cls.__mro__):
            for member in vars(base).values():
                if isinstance(member, Key):
                    found[member.name] = member
        cls.keys = found
        inherited = [p for base in reversed(cls.__mro__) for p in vars(base).get("prefixes", ())]
        cls.prefixes = tuple(dict.fromkeys(inherited))

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.settings = dict(settings)
        self.values: dict[str, Any] = {}
        for key in self.keys.values():
            value, errors = key.read(settings)
            if errors:
                raise ConfigError(key.name, errors[0])
            self.values[key.name] = value
        for error in self.check():
            raise error

    def check(self) -> Iterator[ConfigError]:
        """Rules over several keys; called when each key alone is right."""
        yield from ()

    def under(self, prefix: str) -> dict[str, str]:
        """The settings that start with ``prefix``, without it."""
        size = len(prefix)
        return {k[size:]: v for k, v in self.settings.items() if k.startswith(prefix)}

    @classmethod
    def validate(cls, settings: Mapping[str, str | None]) -> list[KeyResult]:
        """Every declared key in order of declaration, with its errors; never raises."""
        results = {key.name: KeyResult(key, *key.read(settings)) for key in cls.keys.values()}
        if not any(result.errors for result in results.values()):
            config = cls.__new__(cls)
            config.settings = {k: v for k, v in settings.items() if v is not None}
            config.values = {name: result.value for name, result in results.items()}
            for error in config.check():
                target = results.get(error.key) or next(iter(results.values()))
                target.errors.append(str(error))
        return list(results.values())

    @classmethod
    def unknown(cls, settings: Mapping[str, object]) -> Iterator[tuple[str, str | None]]:
        """Settings nobody declared, each with the declared key it looks like a typo of, if any."""
        for name in settings:
            if name in cls.keys or name.startswith(cls.prefixes or ("\0",)):
                continue
            near = difflib.get_close_matches(name, cls.keys, n=1, cutoff=0.88)
            yield name, near[0] if near else None


# --- declaring keys ------------------------------------------------------------------------------


def string(
    name: str,
    default: str | _Required = REQUIRED,
    *,
    doc: str,
    importance: Importance = Importance.MEDIUM,
    group: str = "",
    valid: Sequence[Validator] = (),
) -> Key[str]:
    return Key(
        name, Kind.STRING, default, str, doc=doc, importance=importance, group=group, valid=valid
    )


def optional_string(
    name: str,
    *,
    doc: str,
    importance: Importance = Importance.MEDIUM,
    group: str = "",
    valid: Sequence[Validator] = (),
) -> Key[str | None]:
    """A text key whose default is null."""
    return Key(
        name, Kind.STRING, None, str, doc=doc, importance=importance, group=group, valid=valid
    )


def password(
    name: str, *, doc: str, importance: Importance = Importance.HIGH, group: str = ""
) -> Key[Password | None]:
    return Key(name, Kind.PASSWORD, None, Password, doc=doc, importance=importance, group=group)


_BOUNDS = {Kind.SHORT: 2**15, Kind.INT: 2**31, Kind.LONG: 2**63}


def _parse_integer(kind: Kind) -> Callable[[str], int]:
    bound = _BOUNDS[kind]

    def parse(text: str) -> int:
        if not re.fullmatch(r"[+-]?\d+", text) or not -bound <= int(text) < bound:
            raise ValueError(f"Not a number of type {kind}")
        return int(text)

    return parse


def _parse_boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("Expected value to be either true or false")
    return text.lower() == "true"


def integer(
    name: str,
    default: int | _Required | None = REQUIRED,
    *,
    doc: str,
    kind: Kind = Kind.INT,
    importance: Importance = Importance.MEDIUM,
    group: str = "",
    valid: Sequence[Validator] = (),
) -> Key[int]:
    """A whole number of ``kind`` SHORT, INT or LONG. A default of None is read as None."""
    return Key(
        name, kind, default, _parse_integer(kind), doc=doc, importance=importance, group=group,
        valid=valid,
    )  # fmt: skip


def boolean(
    name: str,
    default: bool,
    *,
    doc: str,
    importance: Importance = Importance.MEDIUM,
    group: str = "",
) -> Key[bool]:
    return Key(
        name, Kind.BOOLEAN, default, _parse_boolean, doc=doc, importance=importance, group=group
    )


def parse_list(text: str) -> list[str]:
    """A comma separated list, trimmed; empty text is the empty list."""
    return [item.strip() for item in text.split(",")] if text.strip() else []


def listing(
    name: str,
    default: Sequence[str] | _Required | None = (),
    *,
    doc: str,
    importance: Importance = Importance.MEDIUM,
    group: str = "",
    valid: Sequence[Validator] = (),
) -> Key[list[str]]:
    fixed = list(default) if isinstance(default, (list, tuple)) else default
    return Key(
        name, Kind.LIST, fixed, parse_list, doc=doc, importance=importance, group=group, valid=valid
    )


def class_name(
    name: str,
    default: str | _Required | None = REQUIRED,
    *,
    doc: str,
    importance: Importance = Importance.MEDIUM,
    group: str = "",
) -> Key[str]:
    """The name of a plugin, as ``connect.plugins`` finds it."""
    return Key(name, Kind.CLASS, default, str, doc=doc, importance=importance, group=group)


def choice(
    name: str,
    options: type[E],
    default: E | _Required,
    *,
    doc: str,
    importance: Importance = Importance.MEDIUM,
    group: str = "",
    refused_options: Mapping[E, str] | None = None,
) -> Key[E]:
    """One of an enumeration's values, in any case. ``refused_options`` gives reasons by option."""
    by_text = {option.value.lower(): option for option in options}
    refusals = refused_options or {}

    def parse(text: str) -> E:
        option = by_text.get(text.lower())
        if option is None:
            allowed = ", ".join(o.value for o in options if o not in refusals)
            raise ValueError(f"Value must be one of {allowed}")
        if option in refusals:
            raise ValueError(f"not supported: {refusals[option]}")
        return option

    return Key(
        name,
        Kind.STRING,
        default,
        parse,
        doc=doc,
        importance=importance,
        group=group,
        choices=[option.value for option in options if option not in refusals],
    )


def refused(
    name: str,
    default: object,
    reason: str,
    *,
    kind: Kind = Kind.STRING,
    group: str = "",
    doc: str = "",
    aliases: Sequence[str] = (),
) -> Key[Any]:
    """A key users of the Java original know and we do not support: only its default is accepted,
    in any case, and ``aliases``, which mean the same."""
    same = {text.casefold() for text in (default, *aliases) if isinstance(text, str)}

    def parse(text: str) -> object:
        if kind is Kind.BOOLEAN:
            return _parse_boolean(text)
        if kind in _BOUNDS:
            return _parse_integer(kind)(text)
        if kind is Kind.LIST:
            return parse_list(text)
        return default if text.casefold() in same else text

    return Key(
        name,
        kind,
        default,
        parse,
        doc=doc or f"Not supported: {reason}",
        importance=Importance.LOW,
        group=group,
        refusal=reason,
    )
