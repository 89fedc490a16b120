"""What the site calls a verdict, a reason, and the end of a battle."""

from typing import Final

from arena.tables import Winner
from arena.votes import Reason

VERDICTS: Final[dict[Winner, str]] = {
    "model_a": "A is better",
    "model_b": "B is better",
    "tie": "Tie",
    "both_bad": "Both are bad",
}
PRAISE: Final[dict[Reason, str]] = {
    "correct": "Correct",
    "clear": "Clear",
    "complete": "Complete",
    "creative": "Creative",
    "well_formatted": "Well formatted",
    "followed_instructions": "Did what I asked",
}
BLAME: Final[dict[Reason, str]] = {
    "incorrect": "Incorrect",
    "unclear": "Unclear",
    "superficial": "Superficial",
    "too_long": "Too long",
    "badly_formatted": "Badly formatted",
    "ignored_instructions": "Ignored what I asked",
    "unsafe": "Unsafe",
}
REASON_WORDS: Final = PRAISE | BLAME
