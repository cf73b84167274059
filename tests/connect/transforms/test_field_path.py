"""Names of fields inside fields."""

from __future__ import annotations

import pytest

from connect.errors import ConfigError
from connect.transforms.field_path import FieldSyntax, steps


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", ("a",)),
        ("a.b.c", ("a", "b", "c")),
        ("`a.b`.c", ("a.b", "c")),
        ("a.`b.c`", ("a", "b.c")),
        ("a.b`c", ("a", "b`c")),
        ("`a`b`", ("a`b",)),
    ],
)
def test_paths(path: str, expected: tuple[str, ...]) -> None:
    assert steps("field", path, FieldSyntax.V2) == expected
    assert steps("field", path, FieldSyntax.V1) == (path,)


@pytest.mark.parametrize("path", ["`a", "a.`b", "`a`b.c"])
def test_a_backtick_without_its_pair(path: str) -> None:
    with pytest.raises(ConfigError, match="backtick"):
        steps("field", path, FieldSyntax.V2)
