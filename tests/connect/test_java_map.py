"""The offsets file's format, against bytes that Java 17 wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect import java_map
from connect.errors import DataError

EMPTY = bytes.fromhex(
    "aced0005737200116a6176612e7574696c2e486173684d61700507dac1c31660d103000246000a6c6f6164466163"
    "746f724900097468726573686f6c6478703f40000000000000770800000010000000"
    "0078"
)
TWO = (
    bytes.fromhex(
        "aced0005737200116a6176612e7574696c2e486173684d61700507dac1c31660d103000246000a6c6f6164466163"
        "746f724900097468726573686f6c6478703f4000000000000c770800000010000000"
        "027572"
        "00025b42acf317f8060854e0020000787000000017"
    )
    + b'["a",{"server":"shop"}]'
    + bytes.fromhex("7571007e000200000016")
    + (
        b'{"file":"b.1","pos":4}'
        + bytes.fromhex("7571007e000200000010")
        + b'["b",{"t":"\xc3\xbc"}]px'
    )
)
TWO_ENTRIES = {
    b'["a",{"server":"shop"}]': b'{"file":"b.1","pos":4}',
    '["b",{"t":"ü"}]'.encode(): None,
}


@pytest.mark.parametrize(("written", "entries"), [(EMPTY, {}), (TWO, TWO_ENTRIES)])
def test_reads_and_writes_what_java_wrote(
    written: bytes, entries: dict[bytes, bytes | None]
) -> None:
    assert java_map.loads(written) == entries
    assert java_map.dumps(entries) == written


def test_an_array_that_stands_twice_is_a_reference_to_the_first() -> None:
    # class HashMap, the map, class byte[], the key: handles 0 to 3
    shared = TWO[: TWO.index(b"uq")].replace(b"\0\0\0\x02ur", b"\0\0\0\x01ur")
    assert java_map.loads(shared + b"q\x00\x7e\x00\x03x") == {
        b'["a",{"server":"shop"}]': b'["a",{"server":"shop"}]'
    }


@given(st.dictionaries(st.binary(), st.none() | st.binary(), max_size=40))
def test_round_trip(entries: dict[bytes, bytes | None]) -> None:
    read = java_map.loads(java_map.dumps(entries))
    assert read == entries
    assert list(read) == list(entries)


@given(st.integers(0, len(TWO) - 1))
def test_a_file_cut_short_is_refused(size: int) -> None:
    with pytest.raises(DataError, match="Not a Java-serialised HashMap"):
        java_map.loads(TWO[:size])
