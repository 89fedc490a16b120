"""What was checked of a release, as text for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ratings.release.findings import Check

_SHOWN: Final = 20
_GOOD: Final = "All fits together and is as its signer left it."
_WHOSE: Final = (
    "Whose key it is no release can tell: compare it with the arena's own feed, or demand one with --key."
)
_THEIRS: Final = "The key is the one that you demand."
_HEADINGS: Final = ("", "check", "of", "seconds")


def describe_checks(
    manifest: Mapping[str, Any], checks: Sequence[Check], *, is_key_demanded: bool = False
) -> str:
    """Write a table of the checks, and under each that failed what is wrong and where."""
    rows = [_HEADINGS, *map(_row, checks)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"Release {manifest['name']} of {manifest['title']}, {manifest['variant']} variant", ""]
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        lines.append("  ".join([*cells, row[-1].rjust(widths[-1])]).rstrip())
        if number:
            findings = checks[number - 1].findings
            lines += [f"       {finding}" for finding in findings[:_SHOWN]]
            lines += [f"       and {len(findings) - _SHOWN:,} more"] if len(findings) > _SHOWN else []
    wrong = sum(len(check.findings) for check in checks)
    verdict = f"{wrong:,} wrong." if wrong else f"{_GOOD} {_THEIRS if is_key_demanded else _WHOSE}"
    text = "\n".join([*lines, "", verdict])
    # A release may come from anybody: what stands in it shall not steer a terminal.
    return "".join(
        sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}" for sign in text
    )


def _row(check: Check) -> tuple[str, str, str, str]:
    if not check.made:
        return "-", check.name, "not checked: see above", ""
    return "WRONG" if check.findings else "ok", check.name, check.said, f"{check.seconds:.1f}"
