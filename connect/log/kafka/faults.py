"""What Kafka's client library reports, as this project's errors and log lines."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

from connect.errors import ConfigError, LogError, RetriableError
from connect.log.contract import FencedError

LOGGER = logging.getLogger("connect.log.kafka")

LIBRARY = LOGGER.getChild("librdkafka")
"""Where librdkafka's own lines go."""

T = TypeVar("T")

API_SECONDS = 60.0
"""How long one call goes on trying, as Java's ``default.api.timeout.ms``."""

ATTEMPT_SECONDS = 2.0

REPEAT_SECONDS = 10.0
"""The same trouble is logged again after this long."""


class Seldom(logging.Filter):
    """Lets the same trouble pass once in REPEAT_SECONDS: a client without a broker has hundreds of
    lines a second. It is the same whichever client says it and however long it took."""

    SAME = re.compile(
        r"\[[^]]*#(?:producer|consumer)-\d+\]|\[thrd:[^]]*\]|\(after [^)]*\)|\d+/\d+ "
        r"|^(?:admin client|(?:producer|consumer|reader of) [^:]*): "
    )
    MANY = 1000

    def __init__(self) -> None:
        super().__init__()
        self._passed: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        text = self.SAME.sub("", record.getMessage())
        if "is experimental" in text:  # librdkafka, at each start, of a setting that we want
            return False
        now = time.monotonic()
        if now - self._passed.get(text, -REPEAT_SECONDS) < REPEAT_SECONDS:
            return False
        if len(self._passed) >= self.MANY:
            self._passed.clear()
        self._passed[text] = now
        return True


LOGGER.addFilter(Seldom())
LIBRARY.addFilter(Seldom())

UNREACHABLE = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TRANSPORT,
        KafkaError._RESOLVE,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._WAIT_COORD,
        KafkaError._SSL,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.NOT_CONTROLLER,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REQUEST_TIMED_OUT,
    }
)

FENCED = frozenset(
    {
        KafkaError._FENCED,
        KafkaError.PRODUCER_FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError._ASSIGNMENT_LOST,
    }
)

REFUSED_LOGIN = frozenset({KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED})


def as_error(doing: str, error: KafkaError) -> LogError | RetriableError:
    """The exception for a failure while ``doing`` something ("creating topic a")."""
    text = f"Kafka, while {doing}: {error.str()} ({error.name()})."
    code = error.code()
    if code in FENCED:
        return FencedError(text)
    if code in UNREACHABLE or error.retriable():
        return RetriableError(text)
    if code == KafkaError.MSG_SIZE_TOO_LARGE:
        return LogError(
            text,
            cure="Raise producer.override.max.request.size in the connector, and max.message.bytes "
            "of the topic.",
        )
    if code in REFUSED_LOGIN:
        return LogError(text, cure="Check sasl.mechanism and sasl.jaas.config.")
    return LogError(text)


def final(problem: LogError | RetriableError) -> LogError:
    """The same as an error that ends the client's work."""
    if isinstance(problem, LogError):
        return problem
    return LogError(problem.message, cure=problem.cure)


def error_of(exception: KafkaException) -> KafkaError:
    error = exception.args[0]
    return error if isinstance(error, KafkaError) else KafkaError(KafkaError._FAIL, str(error))


KNOWN_AS = {
    "compression.codec": "compression.type",
    "message.send.max.retries": "retries",
    "metadata.broker.list": "bootstrap.servers",
    "queue.buffering.max.kbytes": "buffer.memory",
    "queue.buffering.max.ms": "linger.ms",
    "sasl.mechanisms": "sasl.mechanism",
}
"""librdkafka's errors call a key by its own name, users know Java's."""


class Faults:
    """Hears a client's background errors (``error_cb``): logs them, keeps the one that is final."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.final: LogError | None = None

    def __call__(self, error: KafkaError) -> None:
        if error.code() in REFUSED_LOGIN or error.fatal():
            self.final = final(as_error(f"running {self.name}", error))
        LOGGER.warning("%s: %s; trying again", self.name, error.str())

    def check(self) -> None:
        """Raise what is final; the errors of a moment are librdkafka's to retry."""
        if self.final is not None:
            raise self.final


def made(make: Callable[[], T]) -> T:
    """A client, or ConfigError for a setting librdkafka does not take."""
    try:
        return make()
    except KafkaException as exception:
        text = error_of(exception).str()
        for theirs, known in KNOWN_AS.items():
            text = text.replace(f'"{theirs}"', f'"{known}"')
        named = re.search(r'"([\w.]+)"|`([\w.]+)`', text)
        key = (named[1] or named[2]) if named else ""
        raise ConfigError(
            key, f"Kafka's client does not take the configuration: {text.rstrip('.')}."
        ) from exception


def persist(
    doing: str, faults: Faults, stopping: threading.Event, attempt: Callable[[float], T]
) -> T:
    """Call ``attempt(timeout)`` until it answers; RetriableError when API_SECONDS have passed, or
    when it has not answered and ``stopping`` is set."""
    give_up = time.monotonic() + API_SECONDS
    while True:
        faults.check()
        started = time.monotonic()
        try:
            return attempt(ATTEMPT_SECONDS)
        except KafkaException as exception:
            problem = as_error(doing, error_of(exception))
            faults.check()
            if not isinstance(problem, RetriableError) or time.monotonic() >= give_up:
                raise problem from exception
            if stopping.wait(max(0.0, min(1.0, started + 1.0 - time.monotonic()))):
                raise problem from exception
            LOGGER.warning("%s Trying again.", problem)
