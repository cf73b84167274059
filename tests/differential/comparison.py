"""Two lists of records side by side: what is the same, what differs where, and by which rule."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.differential.rules import ABSENT, Difference, rule_of
from tests.differential.topics import Message, Topics

_SHOWN = 160


@dataclass
class Report:
    """What a comparison of all topics found."""

    identical: int = 0
    deliberate: int = 0
    records: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        share = 100 * self.identical / max(self.records, 1)
        lines = [
            f"{self.identical} of {self.records} records identical ({share:.1f} %), "
            f"{self.deliberate} differ on purpose, {len(self.unexplained)} unexplained differences"
        ]
        lines += [f"  {count:4} x {rule}" for rule, count in sorted(self.rules.items())]
        return "\n".join((*lines, *self.unexplained))


def compare(theirs: Topics, ours: Topics) -> Report:
    """Every record of every topic, in order."""
    report = Report()
    for topic in sorted({*theirs, *ours}):
        _topic(report, topic, theirs.get(topic, []), ours.get(topic, []))
    return report


def _topic(report: Report, topic: str, theirs: list[Message], ours: list[Message]) -> None:
    matcher = difflib.SequenceMatcher(
        None, [_identity(m) for m in theirs], [_identity(m) for m in ours], autojunk=False
    )
    for tag, start, stop, other_start, other_stop in matcher.get_opcodes():
        if tag == "equal":
            pairs = zip(theirs[start:stop], ours[other_start:other_stop], strict=True)
            for left, right in pairs:
                _pair(report, left, right)
        else:
            for message in theirs[start:stop]:
                _judge(report, [Difference(topic, "", _document(message.value), ABSENT)])
            for message in ours[other_start:other_stop]:
                _judge(report, [Difference(topic, "", ABSENT, _document(message.value))])


def _pair(report: Report, left: Message, right: Message) -> None:
    if left == right:
        report.records += 1
        report.identical += 1
        return
    found: list[Difference] = []
    for member in ("partition", "headers"):
        one, other = getattr(left, member), getattr(right, member)
        if one != other:
            found.append(Difference(left.topic, member, one, other))
    for member, one, other in (("key", left.key, right.key), ("value", left.value, right.value)):
        if one != other:
            inner = [*leaves(_document(one), _document(other), member)]
            found += (
                Difference(left.topic, path, a, b, _document(left.value)) for path, a, b in inner
            )
            if not inner:
                found.append(Difference(left.topic, f"{member} bytes", one, other))
    _judge(report, found)


def _judge(report: Report, found: Sequence[Difference]) -> None:
    """Count one pair of records that differs."""
    report.records += 1
    rules = [rule_of(difference) for difference in found]
    for difference, rule in zip(found, rules, strict=True):
        if rule is None:
            report.unexplained.append(
                f"  {difference.topic}: {difference.path or 'record'}\n"
                f"    Debezium {_short(difference.theirs)}\n    here     {_short(difference.ours)}"
            )
    if None not in rules:
        report.deliberate += 1
    report.rules.update({rule for rule in rules if rule is not None})


def leaves(one: Any, other: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """(path, value, other value) wherever two documents differ, order of members included."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys((*one, *other)):
            yield from leaves(one.get(key, ABSENT), other.get(key, ABSENT), f"{path}.{key}")
        if set(one) == set(other) and list(one) != list(other):
            yield f"{path} order", list(one), list(other)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, pair in enumerate(zip(one, other, strict=True)):
            yield from leaves(*pair, f"{path}[{place}]")
    elif type(one) is not type(other) or one != other:
        yield path, one, other


def _identity(message: Message) -> object:
    """What makes two records the same event, whatever they say of it."""
    document = _document(message.value)
    if not isinstance(document, dict):
        return message.key
    event = document.get("payload", document)
    if "ddl" in event:
        # Two rules are about the text's first word and last sign.
        ddl = event["ddl"].removeprefix("CREATE ").removesuffix(" */")
        return ddl, event["databaseName"], len(event["tableChanges"])
    if "op" in event:
        source = event["source"]
        snapshot = message.key if event["op"] == "r" else None
        return event["op"], source["file"], source["pos"], source["row"], snapshot
    return message.value


def _document(data: bytes | None) -> Any:
    return None if data is None else json.loads(data)


def _short(value: Any) -> str:
    event = value.get("payload", value) if isinstance(value, dict) else {}
    text = f"{event['databaseName']}: {event['ddl']}" if "ddl" in event else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)})"
