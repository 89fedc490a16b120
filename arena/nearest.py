"""What somebody may have meant who asked for a name that is not there."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

NEAREST: Final = 5
LONGEST_NAME: Final = 200  # looking for names near a long one takes long
CUTOFF: Final = 0.6


def nearest_names(asked: str, names: Sequence[str]) -> list[str]:
    """The names most like what was asked, whatever the case, and those that contain it; none if none is like it."""
    folded = {name.casefold(): name for name in names}
    wanted = asked.casefold().strip()[:LONGEST_NAME]
    holding = [name for fold, name in folded.items() if wanted and wanted in fold]
    near = [folded[fold] for fold in get_close_matches(wanted, folded, n=NEAREST, cutoff=CUTOFF)]
    return list(dict.fromkeys([*near, *holding]))[:NEAREST]


def nearest_or_first(asked: str, names: Sequence[str]) -> str:
    """In a sentence: the names that are near, or where none is, the first that there are."""
    if near := nearest_names(asked, names):
        return f"The nearest are: {', '.join(near)}."
    more = f" and {len(names) - NEAREST} more" if len(names) > NEAREST else ""
    return f"There are: {', '.join(names[:NEAREST])}{more}." if names else "There are none yet."
