"""Texts → the same texts without personal data: found by form and check digits, in any language.

Pure functions of text, offline and fast. `columns.py` is the way in.
"""

from arena.privacy.columns import Redacted, RedactedColumn, redact, redact_column
from arena.privacy.kinds import KINDS, Kind

__all__ = ["KINDS", "Kind", "Redacted", "RedactedColumn", "redact", "redact_column"]
