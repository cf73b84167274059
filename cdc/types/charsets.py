"""Character sets: from the server's bytes to text, as the server itself converts.

A byte that a character set does not define becomes ``?``, which is what the server sends for it to
a client that reads utf8mb4; so a stream and a snapshot show the same text.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from functools import cache
from typing import TypeAlias

from connect.errors import DataError

Decoder: TypeAlias = Callable[[bytes], str]

UTF8 = frozenset({"utf8mb4", "utf8mb3", "utf8", "ascii"})
"""What can be read as UTF-8."""

# One byte a character: Python's codec, and where the server's table is another.
_SINGLE: dict[str, tuple[str, dict[int, str]]] = {
    "cp1250": ("cp1250", {}),
    "cp1251": ("cp1251", {}),
    "cp1256": ("cp1256", dict.fromkeys((0x8A, 0x8F, 0x98, 0x9A, 0x9F, 0xAA, 0xC0, 0xFF), "?")),
    "cp1257": ("cp1257", {}),
    "cp850": ("cp850", {}),
    "cp852": ("cp852", {}),
    "cp866": ("cp866", {0xFC: "\u207f", 0xFD: "\u00b2"}),
    "greek": (
        "iso8859_7",
        {0xA1: "\u02bd", 0xA2: "\u02bc", 0xA4: "?", 0xA5: "?", 0xAA: "?"},
    ),
    "hebrew": ("iso8859_8", {0xAF: "\u203e"}),
    "hp8": ("hp_roman8", {0xFF: "?"}),
    "koi8r": ("koi8_r", {}),
    "koi8u": ("koi8_u", {0x95: "\u2022"}),
    "latin1": ("cp1252", {byte: chr(byte) for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}),
    "latin2": ("iso8859_2", {}),
    "latin5": ("iso8859_9", {}),
    "latin7": ("iso8859_13", {}),
    "macce": ("mac_latin2", {}),
    "macroman": ("mac_roman", {}),
    "swe7": (
        "ascii",
        dict(zip(b"\x40\x5b\x5c\x5d\x5e\x60\x7b\x7c\x7d\x7e\x7f", "ÉÄÖÅÜéäöåü?", strict=True)),
    ),
    "tis620": ("tis_620", dict.fromkeys((0xA0, *range(0xDB, 0xDF), *range(0xFC, 0x100)), "\ufffd")),
}

# Several bytes a character.
_MULTIPLE = {
    "cp932": "cp932",
    "euckr": "cp949",
    "gb18030": "gb18030",
    "gb2312": "gb2312",
    "gbk": "gbk",
    "ucs2": "utf_16_be",
    "utf16": "utf_16_be",
    "utf16le": "utf_16_le",
    "utf32": "utf_32_be",
}

# The upper halves of those Python does not know.
_TABLES = {
    "armscii8": (
        "\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94"
        "\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f\xa0\u2741\xa7\u0589)(\xbb\xab\u2014."
        "\u055d,-\u055f\u2026\u055c\u055b\u055e\u0531\u0561\u0532\u0562\u0533\u0563\u0534"
        "\u0564\u0535\u0565\u0536\u0566\u0537\u0567\u0538\u0568\u0539\u0569\u053a\u056a\u053b"
        "\u056b\u053c\u056c\u053d\u056d\u053e\u056e\u053f\u056f\u0540\u0570\u0541\u0571\u0542"
        "\u0572\u0543\u0573\u0544\u0574\u0545\u0575\u0546\u0576\u0547\u0577\u0548\u0578\u0549"
        "\u0579\u054a\u057a\u054b\u057b\u054c\u057c\u054d\u057d\u054e\u057e\u054f\u057f\u0550"
        "\u0580\u0551\u0581\u0552\u0582\u0553\u0583\u0554\u0584\u0555\u0585\u0556\u0586\u2019"
        "'"
    ),
    "dec8": (
        "\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94"
        "\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f\xa0\xa1\xa2\xa3?\xa5?\xa7\xa4\xa9\xaa"
        "\xab????\xb0\xb1\xb2\xb3?\xb5\xb6\xb7?\xb9\xba\xbb\xbc\xbd?\xbf\xc0\xc1\xc2\xc3\xc4"
        "\xc5\xc6\xc7\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf?\xd1\xd2\xd3\xd4\xd5\xd6\u0152\xd8\xd9"
        "\xda\xdb\xdc\u0178?\xdf\xe0\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xee"
        "\xef?\xf1\xf2\xf3\xf4\xf5\xf6\u0153\xf8\xf9\xfa\xfb\xfc\xff??"
    ),
    "geostd8": (
        "\u20ac?\u201a?\u201e\u2026\u2020\u2021?\u2030?\u2039?????\u2018\u2019\u201c\u201d"
        "\u2022\u2013\u2014???\u203a????\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac"
        "\xad\xae\xaf\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe\xbf\u10d0"
        "\u10d1\u10d2\u10d3\u10d4\u10d5\u10d6\u10f1\u10d7\u10d8\u10d9\u10da\u10db\u10dc\u10f2"
        "\u10dd\u10de\u10df\u10e0\u10e1\u10e2\u10f3\u10e3\u10e4\u10e5\u10e6\u10e7\u10e8\u10e9"
        "\u10ea\u10eb\u10ec\u10ed\u10ee\u10f4\u10ef\u10f0\u10f5???????????????????????\u2116?"
        "?"
    ),
    "keybcs2": (
        "\u010c\xfc\xe9\u010f\xe4\u010e\u0164\u010d\u011b\u011a\u0139\xcd\u013e\u013a\xc4\xc1"
        "\xc9\u017e\u017d\xf4\xf6\xd3\u016f\xda\xfd\xd6\xdc\u0160\u013d\xdd\u0158\u0165\xe1"
        "\xed\xf3\xfa\u0148\u0147\u016e\xd4\u0161\u0159\u0155\u0154\xbc\xa1\xab\xbb\u2591"
        "\u2592\u2593\u2502\u2524\u2561\u2562\u2556\u2555\u2563\u2551\u2557\u255d\u255c\u255b"
        "\u2510\u2514\u2534\u252c\u251c\u2500\u253c\u255e\u255f\u255a\u2554\u2569\u2566\u2560"
        "\u2550\u256c\u2567\u2568\u2564\u2565\u2559\u2558\u2552\u2553\u256b\u256a\u2518\u250c"
        "\u2588\u2584\u258c\u2590\u2580\u03b1\xdf\u0393\u03c0\u03a3\u03c3\xb5\u03c4\u03a6"
        "\u0398\u03a9\u03b4\u221e\u03c6\u03b5\u2229\u2261\xb1\u2265\u2264\u2320\u2321\xf7"
        "\u2248\xb0\u2219\xb7\u221a\u207f\xb2\u25a0\xa0"
    ),
}

# Collation ids by character set, where a statement's client may use them.
_COLLATIONS: dict[str, tuple[tuple[int, int], ...]] = {
    "latin1": ((5, 5), (8, 8), (15, 15), (31, 31), (47, 49), (94, 94)),
    "utf8mb3": ((33, 33), (76, 76), (83, 83), (192, 215), (223, 223)),
    "utf8mb4": ((45, 46), (224, 247), (255, 323)),
    "armscii8": ((32, 32), (64, 64)),
    "ascii": ((11, 11), (65, 65)),
    "big5": ((1, 1), (84, 84)),
    "cp1250": ((26, 26), (34, 34), (44, 44), (66, 66), (99, 99)),
    "cp1251": ((14, 14), (23, 23), (50, 52)),
    "cp1256": ((57, 57), (67, 67)),
    "cp1257": ((29, 29), (58, 59)),
    "cp850": ((4, 4), (80, 80)),
    "cp852": ((40, 40), (81, 81)),
    "cp866": ((36, 36), (68, 68)),
    "cp932": ((95, 96),),
    "dec8": ((3, 3), (69, 69)),
    "eucjpms": ((97, 98),),
    "euckr": ((19, 19), (85, 85)),
    "gb18030": ((248, 250),),
    "gb2312": ((24, 24), (86, 86)),
    "gbk": ((28, 28), (87, 87)),
    "geostd8": ((92, 93),),
    "greek": ((25, 25), (70, 70)),
    "hebrew": ((16, 16), (71, 71)),
    "hp8": ((6, 6), (72, 72)),
    "keybcs2": ((37, 37), (73, 73)),
    "koi8r": ((7, 7), (74, 74)),
    "koi8u": ((22, 22), (75, 75)),
    "latin2": ((2, 2), (9, 9), (21, 21), (27, 27), (77, 77)),
    "latin5": ((30, 30), (78, 78)),
    "latin7": ((20, 20), (41, 42), (79, 79)),
    "macce": ((38, 38), (43, 43)),
    "macroman": ((39, 39), (53, 53)),
    "sjis": ((13, 13), (88, 88)),
    "swe7": ((10, 10), (82, 82)),
    "tis620": ((18, 18), (89, 89)),
    "ujis": ((12, 12), (91, 91)),
}


@cache
def charset_of(collation: int) -> str | None:
    """The character set of a collation id; None for ``binary`` and ids that are not known."""
    for charset, ranges in _COLLATIONS.items():
        if any(low <= collation <= high for low, high in ranges):
            return charset
    return None


@cache
def decoder(charset: str) -> Decoder:
    """A function from bytes to text; DataError for a character set nobody knows.

    The function raises UnicodeDecodeError for bytes that cannot stand in a column of the set.
    """
    if charset in UTF8:
        return lambda data: data.decode("utf-8")
    if charset in _MULTIPLE:
        codec = codecs.lookup(_MULTIPLE[charset])
        return lambda data: codec.decode(data, "strict")[0]
    if charset in _ODD:
        return _ODD[charset]
    table = _table(charset)
    return lambda data: codecs.charmap_decode(data, "strict", table)[0]


def _big5(data: bytes) -> str:
    """Big5 with the seven characters that ETEN added."""
    try:
        return data.decode("big5")
    except UnicodeDecodeError:
        return data.decode("cp950")


def _sjis(data: bytes) -> str:
    """The full-width backslash is the plain one."""
    return data.decode("shift_jis").replace("\uff3c", "\\")


def _euc(data: bytes, *, microsoft: bool) -> str:
    """EUC with user-defined characters; Microsoft's has those of cp932 by row and cell."""
    pieces: list[str] = []
    pos = 0
    while pos < len(data):
        lead = data[pos]
        size = 1 if lead < 0x80 else 3 if lead == 0x8F else 2
        part = data[pos : pos + size]
        pos += size
        row, cell = part[-2] - 0xA1 if size > 1 else 0, part[-1] - 0xA1
        if size > 1 and part[-2] >= _USER_DEFINED:
            first = 0xE000 if size == 2 else 0xE3AC
            pieces.append(chr(first + (part[-2] - _USER_DEFINED) * 94 + cell))
        elif microsoft and size == 2 and lead != 0x8E:
            first = (row >> 1) + (0x81 if row < 62 else 0xC1)
            second = cell + (0x9F if row & 1 else 0x40 + (cell >= 63))
            pieces.append(bytes((first, second)).decode("cp932"))
        else:
            pieces.append(part.decode("euc_jp"))
    return "".join(pieces)


_USER_DEFINED = 0xF5


def _ujis(data: bytes) -> str:
    return _euc(data, microsoft=False).replace("\uff3c", "\\")


def _eucjpms(data: bytes) -> str:
    return _euc(data, microsoft=True)


_ODD: dict[str, Decoder] = {"big5": _big5, "eucjpms": _eucjpms, "sjis": _sjis, "ujis": _ujis}


def _table(charset: str) -> str:
    """The characters of the 256 bytes."""
    if charset in _TABLES:
        return bytes(range(128)).decode("ascii") + _TABLES[charset]
    if charset not in _SINGLE:
        raise DataError(f"The character set {charset} is not known.")
    codec, others = _SINGLE[charset]
    return "".join(
        others.get(byte) or bytes([byte]).decode(codec, "replace").replace("\ufffd", "?")
        for byte in range(256)
    )
