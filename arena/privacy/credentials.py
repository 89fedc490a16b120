"""Keys, tokens and passwords that by their form are nothing else."""

import re
from collections.abc import Iterator
from typing import Final

from arena.privacy.folding import Folded
from arena.privacy.kinds import Spans

_TOKENS: Final = (
    r"sk-(?:ant-|proj-|or-v1-|svcacct-)?[A-Za-z0-9_-]{20,200}",  # OpenAI, Anthropic, OpenRouter
    r"gh[pousr]_[A-Za-z0-9]{30,255}",  # GitHub
    r"github_pat_[A-Za-z0-9_]{20,255}",
    r"gl(?:pat|dt|rt|ptt)-[A-Za-z0-9_-]{20,100}",  # GitLab
    r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])",  # Amazon
    r"AIza[A-Za-z0-9_-]{35}",  # Google
    r"ya29\.[A-Za-z0-9_-]{20,500}",
    r"GOCSPX-[A-Za-z0-9_-]{20,60}",
    r"xox[abeoprs]-[A-Za-z0-9-]{10,200}",  # Slack
    r"xapp-[A-Za-z0-9-]{20,200}",
    r"(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{16,200}",  # Stripe
    r"whsec_[A-Za-z0-9+/=]{20,100}",
    r"hf_[A-Za-z0-9]{30,60}",  # Hugging Face
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-[A-Za-z0-9_-]{40,300}",
    r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}",  # SendGrid
    r"do[opr]_v1_[a-f0-9]{64}",  # DigitalOcean
    r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",  # Shopify
    r"gsk_[A-Za-z0-9]{40,60}",
    r"r8_[A-Za-z0-9]{37}",
    r"xai-[A-Za-z0-9]{40,200}",  # xAI
    r"\d{8,10}:AA[A-Za-z0-9_-]{32,35}",  # Telegram
    r"eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,1000}",  # signed web tokens
)
_TOKEN: Final = re.compile(rf"(?<![A-Za-z0-9_-])(?:{'|'.join(_TOKENS)})")
_SIGNS: Final = re.compile(
    r"sk-|gh[pousr]_|_pat_|gl[prd]|AKIA|ASIA|AIza|ya29|GOCSPX|xox|xapp|_live_|_test_|whsec|hf_|npm_|pypi-|SG\.|_v1_|shp"
    r"|gsk_|r8_|xai-|:AA|eyJ"
)
_BEFORE_SIGN: Final = 10  # of a token, at most
_LETTERS_ALONE: Final = ("hf_",)  # whose tokens may have no digit
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"[^-]{1,20000}(?:-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
)
_BEARER: Final = re.compile(
    r"(?:bearer|authorization: ?(?:basic|token)|x-api-key:) {1,3}(?P<secret>[a-z0-9._~+/=-]{16,4000})"
)
_ASSIGNED: Final = re.compile(
    r"(?:api[_-]?key|secret[_-]?key|access[_-]?key|client[_-]?secret|auth[_-]?token|access[_-]?token|accountkey|secret)"
    r"[\"']? ?[:=] ?[\"']?(?P<secret>[a-z0-9+/_-]{20,200}={0,2})(?![a-z0-9+/_.(\[-])"
)
# One of these is in whatever the two match.
_BEARERS: Final = ("bearer", "authorization:", "x-api-key:")
_NAMES: Final = ("_key", "-key", "apikey", "accesskey", "accountkey", "secret", "token")
_LOGIN: Final = re.compile(
    r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}://(?P<login>[^\s/@:?#\"'<>]{0,100}:(?P<password>[^\s/\"'<>]{1,200}))@"
    r"(?=[^\s/@])"
)
_STAND_IN: Final = re.compile(
    r"(?:your|my|the|some)?[-_]?(?:user|username|name|pass|passwd|password|pwd|secret|token|key|x+|\*+|\.+|changeme"
    r"|example|postgres|root|admin|guest|test)(?:name|word)?|%\w+%|[<{$\[].*"
)


def secrets(folded: Folded) -> Spans:
    """Tokens by their issuers' prefixes, private keys, and long random values that are called keys."""
    for match in _tokens(folded.text):
        may_be_one = match[0].startswith(_LETTERS_ALONE) or any(sign.isdigit() for sign in match[0])
        if may_be_one and not _says_it_is_none(match[0]):
            yield match.span()
    if "PRIVATE KEY" in folded.text:
        yield from (match.span() for match in _PRIVATE_KEY.finditer(folded.text))
    for pattern, called in ((_BEARER, _BEARERS), (_ASSIGNED, _NAMES)):
        for match in pattern.finditer(folded.lower) if any(each in folded.lower for each in called) else ():
            start, end = match.span("secret")
            if _is_random(folded.text[start:end]):
                yield start, end


def _tokens(text: str) -> Iterator[re.Match[str]]:
    """Tokens begin at their sign or a little before it: to try every place of a text takes many times longer."""
    reached = 0
    for sign in _SIGNS.finditer(text):
        for place in range(max(reached, sign.start() - _BEFORE_SIGN), sign.start() + 1):
            if match := _TOKEN.match(text, place):
                reached = match.end()
                yield match
                break


def logins(folded: Folded) -> Spans:
    """User and password between the // and the @ of an address, unless they only show where they go."""
    if "://" in folded.lower and "@" in folded.lower:
        for match in _LOGIN.finditer(folded.lower):
            if not _STAND_IN.fullmatch(match["password"]):
                yield match.span("login")


def _says_it_is_none(token: str) -> bool:
    return "xxxx" in token.lower() or "your" in token.lower() or len(set(token)) < 9


def _is_random(value: str) -> bool:
    digits = sum(sign.isdigit() for sign in value)
    letters = sum(sign.isalpha() for sign in value)
    return digits >= 3 and letters >= 3 and len(set(value)) >= 9 and not _says_it_is_none(value)
