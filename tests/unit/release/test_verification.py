"""Whatever is wrong with a release is found, and the file named in which it is."""

import errno
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from arena.dataset.finish import finish
from arena.dataset.signing import public_key, sign
from benchmarks.synthetic_release import write_data
from ratings.__main__ import main
from ratings.errors import InvalidOptionError
from ratings.release import populations
from ratings.release.checksums import SIGNING_FILES, release_files, write_checksums
from ratings.release.findings import Check, Finding
from ratings.release.joins import check_joins
from ratings.release.manifest import UnreadableReleaseError, read_manifest, write_manifest
from ratings.release.report import describe_checks
from ratings.release.signature import check_signature
from ratings.release.tables import TableReader
from ratings.release.verification import examine, verify
from tests.conftest import ROOT
from tests.unit.release.conftest import KEY, changed, rewrite, seal

BATTLES, TURNS, VOTES, MODELS = (f"data/{name}.parquet" for name in ("battles", "turns", "votes", "models"))


def said(directory: Path) -> list[str]:
    return [str(finding) for finding in verify(directory)]


def test_a_release_as_it_was_published_has_nothing_wrong(release: Path) -> None:
    checks = [*examine(release)]
    assert [check for check in checks if check.findings or not check.made] == []
    names = [
        "checksums",
        "signature",
        "columns",
        "rows",
        "values",
        "joins",
        "withdrawn",
        "votes",
        "leaderboards",
    ]
    assert [check.name for check in checks] == names


def test_the_same_data_is_the_same_bytes(release: Path, tmp_path: Path) -> None:
    finish(tmp_path, write_data(tmp_path), KEY)
    names = [*release_files(release), "SHA256SUMS", "SHA256SUMS.sig", "signing-key.pub"]
    assert release_files(tmp_path) == release_files(release)
    assert [name for name in names if (tmp_path / name).read_bytes() != (release / name).read_bytes()] == []


# Files


def test_one_altered_byte_is_found_in_whatever_file(copied: Path) -> None:
    names = release_files(copied)
    assert len(names) > 20
    for name in names:
        path = copied / name
        original = path.read_bytes()
        altered = bytearray(original or b"\0")
        altered[len(altered) // 2] ^= 1
        path.write_bytes(altered)
        if name == "release.json":
            # What it says may be unreadable now; either way it is named.
            try:
                found = said(copied)
            except UnreadableReleaseError as error:
                found = [str(error)]
            assert any("release.json" in finding for finding in found)
        else:
            (finding,) = verify(copied)
            assert (finding.file, finding.what.split(":")[0]) == (name, "altered")
        path.write_bytes(original)
    assert verify(copied) == []


@pytest.mark.parametrize("name", sorted(SIGNING_FILES))
def test_one_altered_byte_is_found_wherever_it_is_in_what_signs(
    copied: Path, tmp_path: Path, name: str
) -> None:
    path = copied / name
    trusted = Path(shutil.copy(copied / "signing-key.pub", tmp_path / "trusted.pub"))
    original = path.read_bytes()
    places = sorted({*range(0, len(original), len(original) // 16), *range(-3, 0)})
    if name == "signing-key.pub":
        places = [*range(len(original))]
    for place in places:
        for bit in (1, 0x20):
            altered = bytearray(original)
            altered[place] ^= bit
            path.write_bytes(altered)
            for key in (None, trusted):
                assert {finding.file for finding in check_signature(copied, key)[1]} & SIGNING_FILES, place
    path.write_bytes(original + b"\n")
    assert check_signature(copied)[1] != []
    path.write_bytes(original)
    assert check_signature(copied, trusted)[1] == check_signature(copied)[1] == []


def test_nothing_else_is_checked_in_altered_files(copied: Path) -> None:
    with (copied / VOTES).open("ab") as file:
        file.write(b"more")
    made = {check.name: check.made for check in examine(copied)}
    assert [name for name, was in made.items() if was] == ["checksums", "signature"]


def test_missing_and_unlisted_files_are_found(copied: Path) -> None:
    (copied / "leaderboard/study.json").unlink()
    (copied / "notes.txt").write_text("mine")
    (copied / ".gitattributes").write_text("of the hub that keeps it")
    (copied / ".cache").mkdir()
    (copied / ".cache/state").write_text("of the client that fetched it")
    assert said(copied) == ["leaderboard/study.json: missing", "notes.txt: not listed in SHA256SUMS"]


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("nonsense\n", "SHA256SUMS: line {} is no digest and name"),
        (f"{'0' * 64}  release.json\n", "SHA256SUMS: line {} lists a file again"),
        (f"{'0' * 64}  ../outside\n", "../outside: missing"),
    ],
)
def test_lines_that_say_something_else_are_found(copied: Path, line: str, finding: str) -> None:
    sums = copied / "SHA256SUMS"
    number = len(sums.read_text().splitlines()) + 1
    sums.write_text(sums.read_text() + line)
    (copied.parent / "outside").write_text("no part of it")
    sign(copied, KEY)
    assert said(copied) == [finding.format(number)]


def test_sha256sum_agrees(release: Path) -> None:
    run = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=release, check=False
    )
    assert run.returncode == 0


# Signature


def test_checksums_that_nobody_signed_are_found(copied: Path) -> None:
    (copied / "CHANGES.md").write_text("other changes")
    write_checksums(copied)
    assert [finding.file for finding in verify(copied)] == ["SHA256SUMS.sig"]
    (copied / "SHA256SUMS.sig").unlink()
    assert said(copied) == ["SHA256SUMS.sig: missing: the release is not signed"]


def test_only_the_demanded_key_will_do(copied: Path, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.pub", tmp_path / "theirs.pub"
    ours.write_bytes(public_key(KEY))
    theirs.write_bytes(public_key(Ed25519PrivateKey.generate()))
    assert verify(copied, ours) == []
    assert [finding.file for finding in verify(copied, theirs)] == ["SHA256SUMS.sig"]
    # Signed again by somebody else, all is consistent; only the key from elsewhere tells.
    sign(copied, Ed25519PrivateKey.generate())
    assert verify(copied) == []
    assert [finding.file for finding in verify(copied, ours)] == ["SHA256SUMS.sig"]


def test_a_key_of_another_kind_is_told(copied: Path) -> None:
    other = generate_private_key(SECP256R1()).public_key()
    path = copied / "signing-key.pub"
    path.write_bytes(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (finding,) = verify(copied)
    assert finding.file == "signing-key.pub"
    assert "another kind" in finding.what
    path.write_text("no key")
    assert [finding.file for finding in verify(copied)] == ["signing-key.pub"]
    with pytest.raises(
        InvalidOptionError, match="is no Ed25519 public key in PEM: it holds none that can be read."
    ):
        verify(copied, path)


@pytest.mark.parametrize(("key", "why"), [("nothere.pub", "No such file"), ("data", "Is a directory")])
def test_a_key_that_cannot_be_read_does_not_make_the_signature_wrong(
    release: Path, key: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvalidOptionError, match=f"{key} cannot be read as a public key: {why}"):
        verify(release, release / key)
    assert main(["verify", str(release), "--key", str(release / key)]) == 2
    assert "WRONG" not in capsys.readouterr().out


def test_openssl_agrees(release: Path) -> None:
    command = (
        "openssl pkeyutl -verify -pubin -inkey signing-key.pub -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig"
    )
    run = subprocess.run(command.split(), cwd=release, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_missing_cryptography_is_said(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    (finding,) = verify(release)
    assert finding.file == "SHA256SUMS.sig"
    assert "pip install cryptography" in finding.what


# Rows: mistakes of who has the key


def without(column: str) -> Callable[[pa.Table], pa.Table]:
    return lambda rows: rows.drop_columns([column])


def with_value(column: str, row: int, value: Any) -> Callable[[pa.Table], pa.Table]:
    return lambda rows: changed(rows, column, row, value)


def with_one_more(rows: pa.Table) -> pa.Table:
    last = rows.slice(rows.num_rows - 1)
    return pa.concat_tables([rows, changed(last, "battle_id", 0, "f" * 32)])


def with_rows_swapped(rows: pa.Table) -> pa.Table:
    return rows.take(pa.array([1, 0, *range(2, rows.num_rows)]))


def with_decoding(text: str) -> Callable[[pa.Table], pa.Table]:
    """Of the first model's first version."""

    def change(rows: pa.Table) -> pa.Table:
        versions = rows["versions"][0].as_py()
        return changed(rows, "versions", 0, [versions[0] | {"decoding": text}, *versions[1:]])

    return change


def without_first_of_two(rows: pa.Table) -> pa.Table:
    """A battle whose first turn is gone."""
    second = rows["index"].to_pylist().index(1)
    return pa.concat_tables([rows.slice(0, second - 1), rows.slice(second)])


def with_turns_of_none(rows: pa.Table) -> pa.Table:
    """Turns in front whose battle has no id, numbered as they should be."""
    return pa.concat_tables([changed(rows.slice(0, 1), "battle_id", 0, ""), rows])


FIRST_JOIN = (VOTES, with_one_more, "the battle is not in the release, such as ffff")
CASES = [
    (BATTLES, without("week"), "there is no column week"),
    (VOTES, lambda rows: rows.rename_columns({"early": "late"}), "there is no column early"),
    (MODELS, lambda rows: rows.append_column("note", pa.nulls(rows.num_rows)), "does not know: note"),
    (BATTLES, lambda rows: rows.select(rows.column_names[::-1]), "another order"),
    (
        VOTES,
        lambda rows: rows.set_column(0, "battle_id", rows["battle_id"].cast(pa.large_string())),
        "the column battle_id is",
    ),
    (VOTES, with_value("winner", 3, "model_c"), "a row where winner is none of model_a"),
    (BATTLES, with_value("population", 0, "everybody"), "population is none of demo, overall"),
    (BATTLES, with_value("release_policy", 0, "fast"), "release_policy is none of paced"),
    (TURNS, with_value("state_b", 5, "answering"), "state_b is none of answered"),
    (MODELS, with_value("status", 0, "asleep"), "status is none of active"),
    (BATTLES, with_value("decoding", 3, "hot"), "a row where decoding is no JSON object"),
    (MODELS, with_decoding("[1]"), "a row where decoding of a version is no JSON object, such as demo-00"),
    ("boards/study.parquet", with_value("winner", 7, "draw"), "winner is none of"),
    (BATTLES, with_value("battle_id", 0, ""), "a row where battle_id is no id of a battle"),
    (BATTLES, with_value("week", 2, date(2026, 11, 4)), "week is no Monday"),
    (BATTLES, with_value("propensity", 2, 1.5), "propensity is no probability"),
    (BATTLES, lambda rows: changed(rows, "model_b", 4, rows["model_a"][4].as_py()), "a model meets itself"),
    (
        VOTES,
        lambda rows: changed(rows, "counted", 0, not rows["counted"][0].as_py()),
        "counted and reason contradict each other",
    ),
    (VOTES, with_value("tokens_a", 3, None), "some counts of style are missing"),
    FIRST_JOIN,
    (VOTES, lambda rows: rows.slice(1), "nothing is in data/votes.parquet"),
    (VOTES, with_rows_swapped, "battle_id does not come after the one before"),
    (BATTLES, with_rows_swapped, "battle_id does not come after the one before"),
    ("boards/study.parquet", with_rows_swapped, "battle_id does not come after the one before"),
    (BATTLES, with_value("propensity", 9, 0.5), "propensity is not that of the battle"),
    (TURNS, with_one_more, "the battle is not in the release"),
    (TURNS, with_turns_of_none, "the battle is not in the release"),
    (TURNS, lambda rows: rows.slice(2), "nothing is in data/turns.parquet"),
    (TURNS, without_first_of_two, "index is not the place of the turn"),
    (TURNS, lambda rows: rows.slice(0, 0), "rows where nothing is in data/turns.parquet"),
    (MODELS, lambda rows: rows.slice(1), "is missing, and stands on side"),
    (MODELS, lambda rows: pa.concat_tables([rows, rows.slice(0, 1)]), "a model is listed twice"),
    (BATTLES, with_value("version_a", 0, 7), "has no version 7"),
    ("data/withheld.parquet", lambda rows: rows.slice(1), "release.json says {'no_consent': 19}"),
]


@pytest.mark.parametrize(("name", "change", "expected"), CASES, ids=[case[2] for case in CASES])
def test_a_mistake_in_rows_is_found(
    copied: Path, name: str, change: Callable[[pa.Table], pa.Table], expected: str
) -> None:
    rewrite(copied, name, change)
    found = [str(finding) for finding in next(check.findings for check in examine(copied) if check.findings)]
    assert any(expected in finding for finding in found), found


def test_what_could_not_be_null_before_is_no_mistake(copied: Path) -> None:
    """As in releases made before a licence, and whether weights are open, could be left unstated."""

    def stated(field: pa.Field) -> pa.Field:
        if field.name == "versions":
            period = pa.struct(map(stated, field.type.value_type))
            return field.with_type(pa.list_(field.type.value_field.with_type(period)))
        return field.with_nullable(field.nullable and field.name not in ("license", "open_weights"))

    def earlier(rows: pa.Table) -> pa.Table:
        return rows.cast(pa.schema(map(stated, rows.schema)))

    before = TableReader(copied / MODELS).schema
    assert before != pa.schema(map(stated, before))
    rewrite(copied, MODELS, earlier)
    assert not any(file.startswith("data/models") for file in (finding.file for finding in verify(copied)))


def test_votes_of_a_board_are_its_own_file(copied: Path) -> None:
    """Not one outside of the release, nor one that whoever restores it would not read."""
    for file in ("../copy/boards/study.parquet", "boards/other.parquet"):
        populations = read_manifest(copied)["populations"]
        seal(copied, populations=populations | {"study": populations["study"] | {"votes_file": file}})
        assert f"release.json: {file!r} is no file of votes of a release" in map(str, verify(copied))


def test_where_pieces_end_changes_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are compared piece by piece, of which some hold only further turns of a battle before."""
    copied = tmp_path / "small"
    manifest = finish(copied, write_data(copied, battles=40), KEY, compat=False)
    assert 1 in TableReader(copied / TURNS).read(["index"])["index"].to_pylist()
    for name, change, expected in [(VOTES, None, ""), *CASES[CASES.index(FIRST_JOIN) :]]:
        original = (copied / name).read_bytes()
        if change:
            rewrite(copied, name, change)
        found = set()
        for rows in (1 << 16, 1, 7):
            monkeypatch.setattr(TableReader.batches, "__defaults__", (rows, None))
            found.add(tuple(sorted(map(str, check_joins(copied, manifest)))))
        assert len(found) == 1, expected
        assert change or found == {()}
        (copied / name).write_bytes(original)


def test_a_changed_vote_is_found_in_votes_and_boards(copied: Path) -> None:
    def flipped(rows: pa.Table) -> pa.Table:
        said = zip(rows["population"].to_pylist(), rows["winner"].to_pylist(), strict=True)
        row = [*said].index(("overall", "model_a"))
        return changed(rows, "winner", row, "model_b")

    rewrite(copied, VOTES, flipped)
    files = {finding.file for finding in verify(copied)}
    assert VOTES in files
    assert any(file.startswith("leaderboard/") for file in files)


def test_a_changed_rating_is_found(copied: Path) -> None:
    path = copied / "leaderboard/overall.json"
    board = json.loads(path.read_text())
    board["entries"][0]["rating"] += 0.01
    path.write_text(json.dumps(board))
    seal(copied)
    (finding,) = verify(copied)
    assert finding.file == "leaderboard/overall.json"
    assert "its digest is" in finding.what


def test_a_board_of_brackets_within_brackets_is_a_finding(copied: Path) -> None:
    (copied / "leaderboard/overall.json").write_text("[" * 200_000)
    seal(copied)
    (finding,) = verify(copied)
    assert "recursion" in finding.what


def test_boards_are_those_of_the_manifest(copied: Path) -> None:
    manifest = read_manifest(copied)
    boards = {board["file"]: board for board in manifest["boards"]}
    code, maths = boards["leaderboard/code.json"], boards.pop("leaderboard/math.json")
    code["requires"] = ["math"]
    seal(copied, boards=[*boards.values()])
    found = {finding.file: finding.what for finding in verify(copied)}
    assert found.pop("leaderboard/math.json") == "not listed in release.json"
    assert re.search(
        r"the votes give the digest \w+, not \w+ \(.*entries.* differ\)", found.pop("leaderboard/code.json")
    )
    assert found == {}
    assert maths["digest"] != code["digest"]


def test_a_board_without_votes_for_style_is_found(copied: Path) -> None:
    manifest = read_manifest(copied)
    (study,) = (board for board in manifest["boards"] if board["file"] == "leaderboard/study.json")
    (copied / "leaderboard/study.style.json").write_text("{}")
    more = study | {"file": "leaderboard/study.style.json", "style_control": True}
    seal(copied, boards=[*manifest["boards"], more])
    assert "cannot tell the effects of style" in said(copied)[0]


def test_rows_of_tables_are_counted(copied: Path) -> None:
    files = read_manifest(copied)["files"]
    gone = files.pop("data/models.parquet")
    seal(copied, files=files | {"data/votes.parquet": {"rows": 5}, "data/more.parquet": gone})
    assert said(copied) == [
        "data/more.parquet: missing, and release.json lists it",
        "data/models.parquet: not listed in release.json",
        "data/votes.parquet: 320 rows; release.json says 5",
    ]


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"name": "../../evil"}, "'../../evil' cannot name a release"),
        ({"name": "2026..11"}, "'2026..11' cannot name a release"),
        ({"privacy": {}}, "privacy.least_group is None, no whole number"),
        ({"privacy": {"least_group": "10"}}, "privacy.least_group is '10', no whole number"),
        ({"privacy": []}, "privacy.least_group is None, no whole number"),
    ],
)
def test_what_an_arena_could_not_go_on_with_is_found(copied: Path, said: dict[str, Any], what: str) -> None:
    seal(copied, **said)
    finding = verify(copied)[0]
    assert (finding.file, finding.what) == ("release.json", what)


def test_a_release_beside_a_half_done_export_is_as_it_was(copied: Path) -> None:
    (copied / ".unfinished/data").mkdir(parents=True)
    (copied / ".unfinished/data/votes.parquet").write_bytes(b"PAR1, and then it was cut off")
    assert verify(copied) == []


@pytest.mark.parametrize("name", ["data/turns.parquet", "compat/cut-off.parquet"])
def test_a_table_that_cannot_be_read_is_named(copied: Path, name: str) -> None:
    (copied / name).parent.mkdir(exist_ok=True)
    (copied / name).write_bytes(b"PAR1, and then it was cut off")
    seal(copied, files=read_manifest(copied)["files"] | {name: {"rows": 5}})
    (finding,) = verify(copied)
    assert finding.file == name
    assert "cannot be read as Parquet" in finding.what


def test_withdrawn_battles_must_not_be_there(copied: Path) -> None:
    ids = TableReader(copied / BATTLES).read(["battle_id"])["battle_id"].to_pylist()
    (copied / "withdrawn.txt").write_text(f"{ids[3]}\n{'0' * 32}\n")
    seal(copied, withdrawn=2)
    found = verify(copied)
    assert [finding.file for finding in found] == [BATTLES, TURNS, VOTES]
    assert all(
        finding.what.endswith(f"where the battle was withdrawn, such as {ids[3]}") for finding in found
    )
    (copied / "withdrawn.txt").write_text(f"{'0' * 32}\n")
    seal(copied, withdrawn=2)
    assert said(copied) == ["withdrawn.txt: 1 battles; release.json says 2"]
    (copied / "withdrawn.txt").write_text("ana@example.org\n")
    seal(copied, withdrawn=1)
    assert said(copied) == ["withdrawn.txt: 'ana@example.org' is no battle of a release"]


def test_another_version_of_the_method_is_told(copied: Path) -> None:
    seal(copied, method_version="1")
    (finding,) = verify(copied)
    assert finding.what.startswith("computed by version 1 of the method")


def test_what_the_manifest_makes_impossible_is_a_finding(copied: Path) -> None:
    """Whatever stands in it, the answer is a finding or one clear error."""
    for field, value in (
        ("populations", {"overall": {}}),
        ("files", {"x": 1}),
        ("boards", [{}]),
        ("boards", [3]),
    ):
        manifest = read_manifest(copied)
        write_manifest(copied, manifest | {field: value})
        write_checksums(copied)
        sign(copied, KEY)
        assert any(finding.file == "release.json" for finding in verify(copied)), (field, value)
        write_manifest(copied, manifest)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "holds no release.json"),
        ("{", "is no JSON"),
        ("[" * 200_000, "is no JSON"),
        ("[]", "format None"),
        ('{"format": "x/9"}', "format 'x/9'"),
    ],
)
def test_a_folder_that_is_no_release_is_refused(tmp_path: Path, text: str | None, expected: str) -> None:
    if text is not None:
        (tmp_path / "release.json").write_text(text)
    with pytest.raises(UnreadableReleaseError, match=expected):
        verify(tmp_path)
    with pytest.raises(UnreadableReleaseError, match="is no folder"):
        verify(tmp_path / "nowhere")


@pytest.mark.parametrize("field", ["changes", "populations"])
def test_a_release_that_lacks_what_exporters_read_is_refused(copied: Path, field: str) -> None:
    write_manifest(copied, {key: value for key, value in read_manifest(copied).items() if key != field})
    with pytest.raises(UnreadableReleaseError, match=f"lacks {field}"):
        verify(copied)


def test_every_field_of_the_manifest_is_documented(release: Path) -> None:
    text = (ROOT / "docs" / "release-files.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (`\w+`(?:, `\w+`)*) \|", text[text.index("## What release.json says") :], re.MULTILINE
    )
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert documented == {*read_manifest(release)}


# The command


def test_the_command_says_ok(release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(release)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Release 2026-11 of Arena, audit variant"
    assert sum(line.startswith("ok") for line in lines) == 9
    assert lines[-1].startswith(
        "All fits together and is as its signer left it. Whose key it is no release can tell"
    )
    assert main(["verify", str(release), "--key", str(release / "signing-key.pub")]) == 0
    assert capsys.readouterr().out.endswith("as its signer left it. The key is the one that you demand.\n")


def test_the_command_says_what_is_wrong_and_where(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (copied / VOTES).open("ab") as file:
        file.write(b".")
    assert main(["verify", str(copied)]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"^WRONG +checksums .*\n +data/votes.parquet: altered", printed, flags=re.MULTILINE)
    assert "not checked: see above" in printed
    assert printed.splitlines()[-1] == "1 wrong."


def test_the_command_refuses_a_folder_without_a_release(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(tmp_path)]) == 2
    assert "holds no release.json" in capsys.readouterr().err


ONLY_RATINGS = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in {"arena", "sqlalchemy", "psycopg", "fastapi", "pydantic", "orjson", "typer", "rich", "benchmarks"}:
            raise ImportError(f"ratings imports {name}")

sys.meta_path.insert(0, Refuse())
from ratings.__main__ import main
sys.exit(main(["verify", sys.argv[1]]))
"""


def test_nothing_of_the_arena_is_needed(release: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", ONLY_RATINGS, str(release)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_many_findings_are_cut_short(release: Path) -> None:
    many = [Finding(file=f"f{number}", what="wrong") for number in range(1234)]
    printed = describe_checks(
        read_manifest(release), [Check(name="checksums", said="2 files", findings=many)]
    )
    assert "f19: wrong" in printed
    assert "f20: wrong" not in printed
    assert "and 1,214 more" in printed
    assert printed.endswith("1,234 wrong.")


def test_a_full_disk_is_no_fault_of_the_release(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(populations, "MEMORY_VOTES", 0)
    monkeypatch.setattr(populations, "divide_votes", full)
    with pytest.raises(
        InvalidOptionError, match="is full, where votes of large releases are sorted: name another"
    ):
        verify(release)


def test_small_releases_need_no_temporary_files(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(populations, "TemporaryDirectory", None)
    assert not verify(release)
