"""Write docs/statistics.md from the last full run: `python -m tests.statistics.report`."""

from pathlib import Path

from tests.statistics.findings import Report, saved

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "statistics.md"
HEAD = """\
# What the statistics must keep, and did

Written by `make test-statistics`, which simulates worlds of known truth with fixed seeds and runs the package
`ratings` on them, or the whole program where it says so. Methods and bounds were chosen with other seeds. A short
version of each test runs in `make test`.
"""


def main() -> None:
    """Replace the document."""
    DOCUMENT.write_text("\n".join([HEAD, *map(section, saved())]), encoding="utf-8")


def section(report: Report) -> str:
    """One acceptance test as a heading, its world and a table."""
    rows = [
        f"| {found.claim} | {found.measured} | {found.bound} | {'yes' if found.holds else '**no**'} |"
        for found in report.findings
    ]
    table = ["| claim | measured | bound | holds |", "|---|---|---|---|", *rows]
    return "\n".join([f"## {report.test}: {report.title}", "", report.world, "", *table, ""])


if __name__ == "__main__":
    main()
