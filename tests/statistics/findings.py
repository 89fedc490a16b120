"""What a statistical acceptance test found, kept so that `make test-statistics` can write its report."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

UNSEEN = 20_261_124
"""The seed of the full runs, used for nothing else while methods and bounds were chosen."""

FOLDER = Path(
    os.environ.get("ARENA_STATISTICS", Path(__file__).resolve().parents[2] / ".cache" / "statistics")
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One claim, what was measured, and the bound that it has to keep."""

    claim: str
    measured: str
    bound: str
    holds: bool


@dataclass(frozen=True, kw_only=True)
class Report:
    """One acceptance test: the simulated world, and everything measured in it."""

    test: str
    title: str
    world: str
    findings: Sequence[Finding]

    def save(self) -> None:
        """Keep this for the report, in place of an earlier run's."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / f"{self.test}.json").write_bytes(orjson.dumps(asdict(self)))

    def check(self) -> None:
        """Fail with everything that does not hold."""
        broken = [
            f"{found.claim}: {found.measured}, not {found.bound}"
            for found in self.findings
            if not found.holds
        ]
        assert not broken, f"{self.test}: {'; '.join(broken)}"


def saved() -> list[Report]:
    """The reports of the last full run, in the order of their tests."""
    reports = []
    for path in FOLDER.glob("*.json"):
        fields = orjson.loads(path.read_bytes())
        findings = [Finding(**found) for found in fields.pop("findings")]
        reports.append(Report(**fields, findings=findings))
    return sorted(reports, key=lambda report: float(report.test.removeprefix("T")))
