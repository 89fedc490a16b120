"""The ways in which a demo server misbehaves on demand."""

from __future__ import annotations

from enum import Enum


class Fault(Enum):
    """What goes wrong with every request to one model."""

    REFUSE_CONNECTION = "hangs up before answering"
    HANG_BEFORE_FIRST_TOKEN = "sends the headers of a stream and then nothing"
    HANG_BETWEEN_TOKENS = "falls silent after a few tokens"
    GARBAGE = "sends lines that are no events"
    HTML_ERROR_PAGE = "answers 200 with a web page"
    ENDLESS = "never stops, whatever max_tokens says"
    HALF_UTF8 = "ends in the middle of a character"
    ERROR_EVENT = "sends an error event, then [DONE], under status 200"
    CUT = "drops the connection in the middle of the answer"
    NO_FINISH_REASON = "sends the whole answer and [DONE] but no finish reason"
    NAMES_ITSELF_IN_ERROR = "answers 500 with its name, its address and the key it was given"
    HTTP_500 = "answers 500"
    SLOW = "answers ten times slower than it should"


TOKENS_BEFORE_FAULT = 3
SLOWDOWN = 10
HTML_PAGE = "<!doctype html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
GARBAGE_LINES = b"\x00\x8f\xffthis is no event stream\n\nnor is this {\n\n"
# An event cut after the first of the two bytes of an e with an acute accent.
HALF_A_CHARACTER = b'data: {"choices":[{"index":0,"delta":{"content":"caf\xc3'
