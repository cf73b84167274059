"""Every error this project raises on purpose.

    CdcError
    ├── ConfigError         a connector, worker or command was told something it cannot follow
    ├── PluginError         a class named in a configuration is not installed
    ├── DataError           a value, schema or message cannot be converted
    │   ├── DdlError        a statement on a captured table cannot be read
    │   └── BadRecordsError some records of a put cannot be written, the others are
    ├── SourceError         the database we read from refuses, or lost what we need
    ├── TargetError         the database we write to refuses for good
    ├── LogError            the log (Kafka or embedded) refuses for good
    └── RetriableError      it may work a moment later; the runtime tries again

A message is one sentence that names what is wrong (key, table, position) and, in ``cure``,
what to do about it. Commands print the two and no traceback.
"""

from __future__ import annotations


class CdcError(Exception):
    """Base of all. ``cure`` says what the reader of the message can do, empty if nothing."""

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message} {self.cure}".rstrip()

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.cure, self.__dict__))


def _rebuild(cls: type[CdcError], message: str, cure: str, state: dict[str, object]) -> CdcError:
    """Errors cross process borders, so every subclass must survive pickling."""
    error = cls.__new__(cls)
    CdcError.__init__(error, message, cure=cure)
    error.__dict__.update(state)
    return error


class ConfigError(CdcError):
    """A configuration key is missing, unknown, or has a value that cannot be used."""

    def __init__(self, key: str, message: str, *, cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.key = key


class PluginError(CdcError):
    """No installed plugin answers to a class name; ``cure`` lists those that would."""


class DataError(CdcError):
    """A value, schema or message does not fit where it should go."""


class DdlError(DataError):
    """A statement could not be read; ``offset`` is the character where reading stopped."""

    def __init__(self, message: str, *, statement: str, offset: int, cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.statement = statement
        self.offset = offset


class BadRecordsError(DataError):
    """Some records of a put cannot be written; all the others of it are, durably.

    ``records`` has (topic, partition, offset, reason) of each. The worker tolerates them
    (``errors.tolerance=all``: dead letters, log) and goes on, or ends the task.
    """

    def __init__(self, records: list[tuple[str, int, int, str]]) -> None:
        first = records[0]
        more = f" (and {len(records) - 1} more)" if len(records) > 1 else ""
        super().__init__(f"Record {first[0]}-{first[1]}@{first[2]}{more}: {first[3]}")
        self.records = records


class SourceError(CdcError):
    """The source database refuses or no longer has what is needed (grant, binlog, position)."""


class TargetError(CdcError):
    """The target database refuses a statement or value, and would again."""


class LogError(CdcError):
    """The log refuses for good: unknown topic, no authority, fenced producer."""


class RetriableError(CdcError):
    """A fault of the moment: lost connection, server starting, lock wait.

    ``delay`` is how many seconds to wait before trying again; None leaves it to the worker.
    """

    def __init__(self, message: str, *, cure: str = "", delay: float | None = None) -> None:
        super().__init__(message, cure=cure)
        self.delay = delay


def said(error: Exception) -> str:
    """What a database's driver says, in one line without a full stop."""
    words = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], str) else str(error)
    return " ".join(words.split()).rstrip(".") or type(error).__name__
