"""Telephone numbers of the whole world, by the examples of libphonenumber."""

from collections.abc import Iterator

import phonenumbers
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from arena.privacy import redact_column
from arena.privacy.calling_codes import NATIONAL_LENGTHS, is_international

SHORTEST_NATIONAL = 7


def examples() -> Iterator[phonenumbers.PhoneNumber]:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
            example = phonenumbers.example_number_for_type(region, kind)
            if example and len(str(example.national_number)) >= SHORTEST_NATIONAL:
                yield example


@pytest.mark.parametrize(
    ("writing", "before"),
    [
        (PhoneNumberFormat.E164, "see "),
        (PhoneNumberFormat.INTERNATIONAL, "see "),
        (PhoneNumberFormat.RFC3966, "see "),
        (PhoneNumberFormat.NATIONAL, "phone: "),
    ],
)
def test_numbers_of_every_country_are_found(writing: int, before: str) -> None:
    written = [before + phonenumbers.format_number(example, writing) for example in examples()]
    assert len(written) > 300
    redacted = redact_column(pa.array(written)).texts.to_pylist()
    assert [text for text in redacted if any(sign.isdigit() for sign in text)] == []


def test_calling_codes_are_those_of_libphonenumber() -> None:
    assert {int(code) for code in NATIONAL_LENGTHS} <= set(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
    written = (phonenumbers.format_number(each, PhoneNumberFormat.E164) for each in examples())
    assert [number for number in written if not is_international(number[1:])] == []
    assert not is_international("9991234567")
