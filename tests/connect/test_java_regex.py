"""Java's regular expressions and replacements."""

from __future__ import annotations

import pytest

from connect.java_regex import compile_regex, replacement


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (r"shop\.(?<table>\w+)", "shop.orders", True),
        (r"(?<a>x)\k<a>", "xx", True),
        (r"\Qa.b\E.*", "a.bc", True),
        (r"\Qa.b\E.*", "axbc", False),
        (r"\Qa.b", "a.b", True),
        (r"\p{Alpha}+", "abC", True),
        (r"[\p{Lower}\d]+", "ab1", True),
        (r"[\p{Lower}\d]+", "aB1", False),
        (r"\w+", "é", False),
        (r"(?i)SHOP", "shop", True),
        (r"\\Q", "\\Q", True),
        (r"[[]a", "[a", True),
        (r"a++b", "aab", True),
        (r"x\z", "x", True),
        (r"a&&b", "a&&b", True),
    ],
)
@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
def test_matching(pattern: str, text: str, matches: bool) -> None:
    assert bool(compile_regex(pattern).fullmatch(text)) is matches


@pytest.mark.parametrize("pattern", ["(", "[a-z&&[^b]]", r"\p{IsGreek}", "a**"])
@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
def test_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"not (supported|a regular expression)"):
        compile_regex(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("(a)(b)?", "$1-$2", "a-"),
        ("(a)", "$12", "a2"),
        ("(?<n>a)", "${n}x", "ax"),
        ("a", r"\$0", "$0"),
        ("a", "$0$0", "aa"),
        ("a", r"\\", "\\"),
    ],
)
def test_replacing(pattern: str, text: str, expected: str) -> None:
    compiled = compile_regex(pattern)
    found = compiled.fullmatch("a")
    assert found is not None
    assert replacement(text, compiled)(found) == expected


@pytest.mark.parametrize("text", ["$1", "${n}", "$", "\\", "$x"])
def test_replacements_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no group|must be escaped"):
        replacement(text, compile_regex("a"))
