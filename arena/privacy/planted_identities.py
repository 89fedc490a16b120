"""Made-up identity numbers with right check digits, as their countries write them."""

import importlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from random import Random
from typing import Final

from stdnum import luhn

_WRITINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "us.ssn": ("4##-2#-3###", "2##-4#-5###"),
    "us.itin": ("9##-7#-####",),
    "gb.nhs": ("4## ### ####", "4#########"),
    "ca.sin": ("5## ### ###", "1##-###-###"),
    "au.tfn": ("8## ### ###", "1########"),
    "de.idnr": ("4# ### ### ###", "8##########"),
    "at.vnr": ("4### d10m85", "7###d10m70"),
    "ch.ssn": ("756.####.####.##",),
    "fr.nir": ("2 84 0m 75 ### ### ##", "1790m69######77", "1 93 0m 13 ### ### ##"),
    "fr.nif": ("30 ## ### ### ###", "07###########"),
    "be.nn": ("85.0m.d1-###.##",),
    "es.dni": ("########@", "########-@"),
    "es.nie": ("X#######@", "Y-#######-@"),
    "mx.curp": ("GOMC8#0md1HDFRRR0#",),
    "cl.rut": ("1#.###.###-#",),
    "it.codicefiscale": ("RSSMRA8#A4#H50#@", "BNCLRA7#D5#F20#@"),
    "br.cpf": ("###.###.###-##",),
    "pt.nif": ("2## ### ###", "2########"),
    "nl.bsn": ("1########", "2##.##.###"),
    "pl.pesel": ("8#0md1#####", "030m1######"),
    "ru.inn": ("77##########", "50##########"),
    "ua.rntrc": ("3#########",),
    "tr.tckimlik": ("4##########", "1##########"),
    "cn.ric": ("11010519##0md1###X", "31010419##0md1####"),
    "jp.in_": ("#### #### ####", "############"),
    "kr.rrn": ("8#0md1-1######", "9#0md1-2######"),
    "in_.aadhaar": ("7### #### ####", "4###-####-####"),
    "in_.pan": ("ABCP@####@", "BKLPS####@"),
    "ae.eid": ("784-198#-#######-#", "784199#########"),
    "sa.nid": ("10########", "2#########"),
}
_SLOTS: Final = {"#": "0123456789", "m": "123456789", "d": "012", "@": "ABCDEFGHJKLMNPQRSTVWXYZ"}
_MOST_TRIES: Final = 20_000


def identity_number(rule: str, random: Random) -> str:
    """A number that its country's rule calls valid; drawn until one is."""
    for _ in range(_MOST_TRIES):
        made = _filled(random.choice(_WRITINGS[rule]), random)
        if _judge(rule)(made):
            return made
    raise AssertionError(f"no writing of {rule} gives a valid number")


def _filled(writing: str, random: Random) -> str:
    """# is any digit, m one of a month, d the first of a day, @ any letter."""
    drawn = random.choices(range(9_000), k=len(writing))
    return "".join(
        _SLOTS.get(sign, sign)[number % len(_SLOTS.get(sign, sign))]
        for sign, number in zip(writing, drawn, strict=True)
    )


@lru_cache(maxsize=64)
def _judge(rule: str) -> Callable[[str], bool]:
    if rule in {"ae.eid", "sa.nid"}:
        return lambda written: bool(luhn.is_valid(written.replace("-", "")))
    valid: Callable[[str], bool] = importlib.import_module(f"stdnum.{rule}").is_valid
    return valid
