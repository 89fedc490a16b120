"""The libraries that researchers use read a release in one line each."""

import json
from pathlib import Path
from typing import Any

import datasets
import duckdb
import mlcroissant
import pandas as pd
import polars
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
import yaml

from arena.dataset.finish import finish
from benchmarks.synthetic_release import write_data
from ratings.release.manifest import read_manifest
from ratings.release.schema import DATA
from tests.unit.release.conftest import KEY

VOTES = "data/votes.parquet"


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it prepares goes away with the test, and nothing is asked of a hub."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()


def front_of(release: Path) -> dict[str, Any]:
    _, front, _ = (release / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    found: dict[str, Any] = yaml.safe_load(front)
    return found


@pytest.mark.usefixtures("offline")
def test_datasets_loads_the_votes(release: Path) -> None:
    votes = datasets.load_dataset(str(release))["train"]
    expected = pq.read_table(release / VOTES)
    assert votes.column_names == expected.column_names
    assert votes["winner"][:] == expected["winner"].to_pylist()
    assert votes["tags"][:] == expected["tags"].to_pylist()


@pytest.mark.usefixtures("offline")
def test_datasets_loads_every_part(release: Path) -> None:
    names = datasets.get_dataset_config_names(str(release))
    assert {"battles", "turns", "votes", "models", "withheld", "board-study", "preference"} <= {*names}
    assert {"arena-33k", "arena-100k", "arena-140k"} <= {*names}
    files = {config["config_name"]: config["data_files"] for config in front_of(release)["configs"]}
    rows = read_manifest(release)["files"]
    assert set(files.values()) == set(rows), "every table has a name to be loaded by"
    for name in names:
        assert datasets.load_dataset(str(release), name)["train"].num_rows == rows[files[name]]["rows"], name


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("csv", "compat/arena-55k.csv"),
        ("json", "compat/fastchat-battles.json"),
        ("json", "samples/battles.jsonl"),
    ],
)
def test_datasets_loads_other_formats_by_their_files(release: Path, kind: str, file: str) -> None:
    loaded = datasets.load_dataset(kind, data_files=str(release / file))["train"]
    counted = read_manifest(release)["files"]["compat/arena-33k.parquet"]["rows"]
    assert loaded.num_rows == (320 if file.startswith("samples") else counted)


@pytest.mark.parametrize("name", DATA)
def test_pandas_polars_and_duckdb_read_every_table(release: Path, name: str) -> None:
    expected = pq.read_table(release / name)
    assert list(pd.read_parquet(release / name).columns) == expected.column_names
    assert polars.read_parquet(release / name).to_dicts() == expected.to_pylist()
    rows = duckdb.sql(f"FROM '{release / name}'").fetchall()
    assert [row[0] for row in rows] == expected[expected.column_names[0]].to_pylist()


def test_duckdb_joins_battles_votes_and_turns(release: Path) -> None:
    query = f"""SELECT count(*), count(DISTINCT battle_id) FROM '{release}/data/turns.parquet'
        JOIN '{release}/data/battles.parquet' USING (battle_id) JOIN '{release}/{VOTES}' USING (battle_id)"""
    turns = pq.read_metadata(release / "data/turns.parquet").num_rows
    assert duckdb.sql(query).fetchall() == [(turns, 320)]


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.reset_index is deprecated")
def test_croissant_is_valid_and_gives_the_records(release: Path) -> None:
    described = mlcroissant.Dataset(str(release / "croissant.json"))
    assert (described.metadata.ctx.issues.errors, described.metadata.ctx.issues.warnings) == (set(), set())
    names = {record_set.uuid for record_set in described.metadata.record_sets}
    assert names == {"battles", "turns", "votes", "models", "withheld", "boards-study"}
    records = list(described.records("votes"))
    expected = pq.read_table(release / VOTES).to_pylist()
    assert [record["votes/winner"].decode() for record in records] == [row["winner"] for row in expected]
    assert [[tag.decode() for tag in record["votes/tags"]] for record in records] == [
        row["tags"] for row in expected
    ]
    assert [record["votes/counted"] for record in records] == [row["counted"] for row in expected]


def test_croissant_knows_the_files_by_their_digests(release: Path) -> None:
    sums = dict(reversed(line.split("  ")) for line in (release / "SHA256SUMS").read_text().splitlines())
    said = json.loads((release / "croissant.json").read_text())
    assert {each["contentUrl"]: each["sha256"] for each in said["distribution"]} == {
        name: digest for name, digest in sums.items() if name in {*DATA, "boards/study.parquet"}
    }


def test_the_card_says_what_hubs_ask(release: Path) -> None:
    front = front_of(release)
    assert front["license"] == "cc-by-4.0"
    assert front["language"] == ["de", "en", "fr", "zh"]
    assert front["size_categories"] == ["n<1K"]
    assert [config["config_name"] for config in front["configs"] if config.get("default")] == ["votes"]


def test_the_card_says_what_is_in_it(release: Path) -> None:
    card = (release / "README.md").read_text(encoding="utf-8")
    assert "| `data/votes.parquet` | 320 |" in card
    assert "must not be published" in card, "it is the operator's own copy"
    for schema in DATA.values():
        for field in schema:
            assert f"| `{field.name}` |" in card
    licenses = (release / "LICENSE.md").read_text(encoding="utf-8")
    assert "| `boards/study.parquet` | [CC0-1.0](" in licenses
    assert "| model-00 | Maker | Apache-2.0 |" in licenses


def test_the_card_of_an_open_release_names_an_unknown_license(tmp_path: Path) -> None:
    manifest = write_data(tmp_path, battles=60) | {"variant": "open"}
    manifest["license"] |= {"prompts": "Our own"}
    finish(tmp_path, manifest, KEY, compat=False)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    front = front_of(tmp_path)
    assert (front["license"], front["license_name"], front["license_link"]) == (
        "other",
        "Our own",
        "LICENSE.md",
    )
    assert "voters agreed to it" in card
    assert "must not be published" not in card
    assert "compat/arena" not in card
