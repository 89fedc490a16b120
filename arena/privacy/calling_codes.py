"""The calling codes of countries, and how many digits follow them there.

From the metadata of libphonenumber (Apache-2.0), without numbers of fewer than seven digits.
"""

from typing import Final

_CODES_BY_LENGTH: Final = {
    "5": "290 500 682",
    "5-6": "247",
    "6": "298 299 672 687",
    "7": "238 239 246 248 269 291 297 592 597 673 674 676 677 678 680 683 688 690 691 692",
    "7-8": "241 386 599 670 675 853 961 965 975",
    "7-9": "220 231 245 252 265 354 355 385 421 423 967 968",
    "7-10": "27 44 48 53 64 84 95 98 230 243 254 263 267 353 372 685 880 960",
    "7-11": "31 352 375 501 503 507 595 679 852 886 974",
    "7-12": "39 46 61 86 358 359 381 598 882 971 972",
    "7-13": "43 49 62 90",
    "8": "45 47 216 222 223 226 227 228 232 235 236 253 257 266 "
    "350 356 357 370 371 373 374 389 505 509 686 800 808 973 993",
    "8-9": "32 36 51 213 224 233 237 250 258 264 268 376 377 382 387 591 689 962 963",
    "8-10": "20 60 378 506 850 855 856 964 970 976",
    "8-11": "55 57 65 502 504 593 977",
    "8-12": "92 383 883",
    "8-13": "63 66 81 82 91",
    "9": "33 34 40 93 94 211 212 218 221 240 242 244 249 251 255 "
    "256 260 261 262 351 508 590 594 596 681 979 992 994 995 998",
    "9-10": "380 881 966 996",
    "9-11": "56",
    "9-12": "41 420 870",
    "10": "1 52 58 225 229",
    "10-11": "54",
    "10-12": "30 234",
    "10-14": "7",
    "11": "888",
    "12": "878",
}


def _lengths() -> dict[str, range]:
    known = {}
    for lengths, codes in _CODES_BY_LENGTH.items():
        least, _, most = lengths.partition("-")
        for code in codes.split():
            known[code] = range(int(least), int(most or least) + 1)
    return known


NATIONAL_LENGTHS: Final = _lengths()


def is_international(digits: str) -> bool:
    """Whether digits without the plus begin with a calling code and are as many as its country uses."""
    return any(len(digits) - size in NATIONAL_LENGTHS.get(digits[:size], ()) for size in (1, 2, 3))
