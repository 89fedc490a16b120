"""Columns of JSON that no record at the beginning of a file has: every record may have others."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from ratings.published_layouts import OPTIONAL_COLUMNS

_OVERLAP: Final = 64
"""Bytes of a block that are looked at again with the next one: more than a name with its quotes and colon."""


def late_columns(blocks: Iterable[bytes], known: Collection[str]) -> set[str]:
    """Find which other optional columns of votes stand somewhere in JSON as the key of some object.

    Parameters
    ----------
    blocks : iterable of bytes
        The text, cut anywhere. It is searched, not parsed, at hundreds of megabytes a second.
    known : collection of str
        Columns that need not be found.

    Returns
    -------
    set of str
        All that are columns, and perhaps some that stand only within values: see `records_with`.
    """
    missing, found = OPTIONAL_COLUMNS - set(known), set[str]()
    pattern, rest = _keys(missing), b""
    for block in blocks:
        text = rest + block
        place = 0
        while missing and (key := pattern.search(text, place)):
            place = key.end()
            found.add(key[1].decode())
            missing -= found
            pattern = _keys(missing)
        if not missing:
            break
        rest = text[-_OVERLAP:]
    return found


def _keys(names: Collection[str]) -> re.Pattern[bytes]:
    return re.compile(rb'"(%b)"\s*:' % "|".join(sorted(names)).encode())


def records_with(columns: Collection[str], records: Iterator[Any]) -> Iterator[Mapping[str, Any]]:
    """For each column, yield the first record that has it; reads no further than needed."""
    missing = set(columns)
    for record in records if missing else ():
        if isinstance(record, dict) and missing & record.keys():
            missing -= record.keys()
            yield record
        if not missing:
            break
