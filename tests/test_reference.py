"""The configuration reference is the one the declarations give."""

from __future__ import annotations

from docs.reference import TARGET, page


def test_the_page_in_the_tree_is_current() -> None:
    assert TARGET.read_text() == page(), "run `make docs`"
