"""One digest for prompts that differ only in case, white space, punctuation or Unicode form."""

import hashlib
import unicodedata

_BYTES = 16


def prompt_digest(prompt: str) -> str:
    """Return the hash of a normalised prompt; signs between two digits stay, so 2*3 and 2/3 are two prompts."""
    plain = unicodedata.normalize("NFKC", prompt).casefold()
    kept = "".join(_kept(plain, place) for place in range(len(plain)))
    normal = " ".join(kept.split()) or " ".join(plain.split())
    return hashlib.blake2b(normal.encode("utf-8", "replace"), digest_size=_BYTES).hexdigest()


def _kept(text: str, place: int) -> str:
    sign = text[place]
    if sign.isalnum() or not unicodedata.category(sign).startswith(("P", "C")):
        return sign
    if text[place - 1 : place].isdigit() and text[place + 1 : place + 2].isdigit():
        return sign
    return "" if sign in "'’" else " "
