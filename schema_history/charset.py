"""Character sets: which one a collation belongs to, and how wide its characters are."""

from __future__ import annotations

from dataclasses import dataclass

# Bytes of the widest character, as information_schema.character_sets.maxlen shows them.
BYTES_PER_CHARACTER = {
    "armscii8": 1,
    "ascii": 1,
    "big5": 2,
    "binary": 1,
    "cp1250": 1,
    "cp1251": 1,
    "cp1256": 1,
    "cp1257": 1,
    "cp850": 1,
    "cp852": 1,
    "cp866": 1,
    "cp932": 2,
    "dec8": 1,
    "eucjpms": 3,
    "euckr": 2,
    "gb18030": 4,
    "gb2312": 2,
    "gbk": 2,
    "geostd8": 1,
    "greek": 1,
    "hebrew": 1,
    "hp8": 1,
    "keybcs2": 1,
    "koi8r": 1,
    "koi8u": 1,
    "latin1": 1,
    "latin2": 1,
    "latin5": 1,
    "latin7": 1,
    "macce": 1,
    "macroman": 1,
    "sjis": 2,
    "swe7": 1,
    "tis620": 1,
    "ucs2": 2,
    "ujis": 3,
    "utf16": 4,
    "utf16le": 4,
    "utf32": 4,
    "utf8": 3,
    "utf8mb3": 3,
    "utf8mb4": 4,
}


@dataclass(frozen=True, slots=True)
class Charset:
    """A character set by the name its statement used, and its collation where one was named."""

    name: str
    collation: str | None = None

    @property
    def bytes_per_character(self) -> int:
        return BYTES_PER_CHARACTER.get(self.name, 4)


def named(charset: str | None, collation: str | None, inherited: Charset) -> Charset:
    """The character set that ``CHARACTER SET charset COLLATE collation`` chooses.

    Either may be missing; ``inherited`` (table, database or server default) fills the gap.
    MariaDB's ``uca1400_*`` collations name no character set and go with any of Unicode.
    """
    charset = charset and charset.lower()
    collation = collation and collation.lower()
    if charset is None and collation is None:
        return inherited
    if collation is None:
        return Charset(charset or inherited.name)
    prefix = collation.partition("_")[0]
    if prefix in BYTES_PER_CHARACTER:
        return Charset(charset or prefix, collation)
    charset = charset or inherited.name
    return Charset(charset, f"{charset}_{collation}")
