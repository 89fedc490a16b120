"""What each kind catches, and what only looks like it."""

import pytest

from arena.privacy import KINDS, redact


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("write to Ana.Roe+x@mail.example.org, please", "write to [email], please"),
        ("我的邮箱是zhang@example.com，谢谢", "我的邮箱是[email]，谢谢"),
        ("почта иван@пример.рф.", "почта [email]."),
        ("ana (at) example [dot] org", "[email]"),
        ("ana at example dot org or ana arroba example punto com", "[email] or [email]"),
        ("https://example.com/?email=jane.doe%40example.org&x=1", "https://example.com/?email=[email]&x=1"),
        ("mailto:jane.doe%40example.org, ?q=%22jane%40example.org%22", "mailto:[email], ?q=%22[email]%22"),
        (r"jane&#64;example.org, jane&commat;example.org, jane\@example.org", "[email], [email], [email]"),
        ("to jane\u200b@exam\u2060ple.org now", "to [email] now"),
        ("می\u200cخواهم\u200c ana@example.org", "می\u200cخواهم\u200c [email]"),
        ("ring +49 171 4567890 now", "ring [phone] now"),
        ("ring 0049 171 456 78 90 now", "ring [phone] now"),
        ("(415) 555-2671 or 415.555.2671", "[phone] or [phone]"),
        ("हमें ०९८७६५४३२१० पर फोन करें", "हमें [phone] पर फोन करें"),
        ("رقم جوالي ٠٥٥١٢٣٤٥٦٧", "رقم جوالي [phone]"),
        ("電話は０３－３１２３－４５６７です", "電話は[phone]です"),
        ("Tel. 555 01 99", "Tel. [phone]"),
        ("pay to DE89 3704 0044 0532 0130 00 today", "pay to [iban] today"),
        ("pay to gb29nwbk60161331926819.", "pay to [iban]."),
        ("card 4111 1111\n1111 1111 declined", "card [card] declined"),
        ("amex 3782 822463 10005", "amex [card]"),
        ("my ssn: 536-90-4399", "my ssn: [identity-number]"),
        ("BSN 111222333 van mij", "BSN [identity-number] van mij"),
        ("CPF 390.533.447-05", "CPF [identity-number]"),
        ("身份证11010519491231002X号", "身份证[identity-number]号"),
        ("login from 93.184.216.34 and 2606:4700:10::6816:1", "login from [ip-address] and [ip-address]"),
        ("adapter d4:6d:6d:0b:91:5f", "adapter [mac-address]"),
        ("git clone https://ana:s3cr3t-9@example.org/x.git", "git clone https://[login]@example.org/x.git"),
        ("postgres://ana:s3cr3t@3x!@example.org:5432/db", "postgres://[login]@example.org:5432/db"),
        ("key ghp_16C7e42F292c6912E7710c838347Ae178B4a!", "key [secret]!"),
        ("login(token='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')", "login(token='[secret]')"),
        (f"xai-{'q7RtYbN3kLmP' * 7} is it", "[secret] is it"),
        ("Authorization: Bearer abc123def456ghi789", "Authorization: Bearer [secret]"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nok",
            "[secret]\nok",
        ),
        ("I was born on 3 May 1985.", "I was born on [birth-date]."),
        ("生年月日：1985年5月3日", "生年月日：[birth-date]"),
        ("I live at 12 Rose Hill Street.", "I live at [address]."),
        ("wohne Lindenstraße 12", "wohne [address]"),
        ("My name is Jane Roe, hello", "My name is [name], hello"),
        ("меня зовут Иван Петров.", "меня зовут [name]."),
    ],
)
def test_personal_data_is_replaced(text: str, redacted: str) -> None:
    assert redact(text).text == redacted


@pytest.mark.parametrize(
    "text",
    [
        "y = x @ self.weight",
        "temperature at every point in space",
        "git@github.com:owner/project.git",
        "https://registry.example.org/%40scope%2fname/react%4018.2.0 and r'\\w+\\@\\w+'",
        "4111 1111 1111 1112",  # the check digit is wrong
        "DE88370400440532013000",
        "536-00-4399",
        "Steuer-ID 12345678901",
        "version 93.184.216.34",
        "192.168.1.7 and 127.0.0.1 and 203.0.113.9",
        "2001:db8::7, ::1, fe80::1",
        "AA:BB:CC:DD:EE:F0:11:22:33:44",
        "postgres://user:password@localhost/db",
        "OPENAI_API_KEY=sk-your-key-here-your-key-here1",
        "hf_your_token_here and hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "xai-explainable-methods-2024",
        "1699194807 1699194807123",
        "3.14159265358979323846",
        "+1.6448536",
        "978-3-16-148410-0",
        "2024-05-01 and 01.05.2024 14:00",
        "12 345 678 phones",
        "Einstein was born on March 14, 1879",
        "My name is Claude",
        "550e8400-e29b-41d4-a716-446655440000",
    ],
)
def test_what_looks_alike_stays(text: str) -> None:
    assert redact(text).text == text


def test_every_kind_is_counted_under_its_name() -> None:
    found = redact("ana@example.org, bob@example.org, +49 171 4567890").found
    assert found == {"email": 2, "phone": 1}
    assert found.keys() <= {kind.slug for kind in KINDS}


def test_findings_that_overlap_become_one_and_hide_all_of_it() -> None:
    assert redact("https://ana:s3cr3t-9@198.41.0.4/x").text == "https://[login]@[ip-address]/x"
    assert redact("mail ana.+491714567890@example.org").text == "mail [email]"
