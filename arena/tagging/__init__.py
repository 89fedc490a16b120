"""Text of a battle → tags: what it asks for, in which language, and how its answers look.

Pure functions of text, offline and fast. `conversations.py` is the way in; `version.py` names the rules in force.
"""

from arena.tagging.conversations import Conversation, Tagged, tag_conversation
from arena.tagging.digests import prompt_digest
from arena.tagging.operator_rules import OperatorRule, rules_version
from arena.tagging.version import RULES_VERSION

__all__ = [
    "RULES_VERSION",
    "Conversation",
    "OperatorRule",
    "Tagged",
    "prompt_digest",
    "rules_version",
    "tag_conversation",
]
