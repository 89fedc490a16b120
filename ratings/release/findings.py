"""What a check of a release finds."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is wrong.

    Attributes
    ----------
    file : str
        The file in which it is, as a path inside the release.
    what : str
        What is wrong, and where in the file.
    """

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check of a release.

    Attributes
    ----------
    name : str
    said : str
        What was looked at, in a few words.
    findings : sequence of Finding
        Empty where all is well.
    seconds : float
        How long it took.
    made : bool
        False where what was found before stood in its way.
    """

    name: str
    said: str
    findings: Sequence[Finding] = ()
    seconds: float = 0.0
    made: bool = True
