"""Errors keep what they carry on their way between processes."""

from __future__ import annotations

import pickle

import pytest

from connect import errors
from connect.errors import BadRecordsError, CdcError, ConfigError, DdlError

OWN = [
    ConfigError("a.key", "It is wrong.", cure="Right it."),
    DdlError("Unreadable.", statement="ALTER", offset=3, cure="Skip it."),
    BadRecordsError([("t", 0, 5, "too long"), ("t", 0, 7, "too wide")]),
]
PLAIN = [
    kind("It failed.", cure="Try.")
    for kind in vars(errors).values()
    if isinstance(kind, type)
    and issubclass(kind, CdcError)
    and kind not in {type(error) for error in OWN}
]


@pytest.mark.parametrize("error", OWN + PLAIN, ids=lambda error: type(error).__name__)
def test_pickled(error: CdcError) -> None:
    error.note = "kept"  # type: ignore[attr-defined]
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)


def test_text() -> None:
    assert str(ConfigError("k", "It is wrong.", cure="Right it.")) == "It is wrong. Right it."
    assert str(CdcError("It is wrong.")) == "It is wrong."
