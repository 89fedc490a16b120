"""Croissant: what the files of a release hold, as JSON-LD that search engines and loaders of datasets read.

Written by hand, since the library brings sixteen packages; the tests hold it to the library.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]

from ratings.release.checks import board_files
from ratings.release.schema import BOARD_VOTES, DATA
from ratings.release.tables import table_names

CROISSANT: Final = "croissant.json"
_CONTEXT: Final[Mapping[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def write_croissant(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Write `croissant.json` about the tables as they are."""
    title = f"{manifest['title']} {manifest['name']}"
    said = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": f"arena-{manifest['name']}",
        "alternateName": title,
        "description": "Battles of a chatbot arena: prompts, two anonymous answers to each, and people's votes.",
        "version": "1.0.0",
        "datePublished": manifest["cut_week"],
        "license": manifest["license"]["prompts"],
        "creator": {"@type": "sc:Organization", "name": manifest["title"]},
        "citeAs": f"{title}, {manifest['cut_week'][:4]}.",
        "distribution": [_file(directory, name) for name in _tables(directory, manifest)],
        "recordSet": [_records(name, schema) for name, schema in _tables(directory, manifest).items()],
    }
    (directory / CROISSANT).write_text(
        json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _tables(directory: Path, manifest: Mapping[str, Any]) -> dict[str, pa.Schema]:
    schemas = dict(DATA) | dict.fromkeys(board_files(manifest), BOARD_VOTES)
    return {file: schema for name, schema in schemas.items() for file in table_names(directory, name)}


def _file(directory: Path, name: str) -> dict[str, Any]:
    with (directory / name).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": Path(name).name,
        "contentUrl": name,
        "contentSize": f"{(directory / name).stat().st_size} B",
        "encodingFormat": "application/x-parquet",
        "sha256": digest,
    }


def _records(name: str, schema: pa.Schema) -> dict[str, Any]:
    record_set = name.removeprefix("data/").removesuffix(".parquet").replace("/", "-")
    return {
        "@type": "cr:RecordSet",
        "@id": record_set,
        "name": record_set,
        "description": f"The rows of {name}.",
        "field": [*_fields(name, record_set, schema)],
    }


def _fields(name: str, record_set: str, schema: pa.Schema) -> Iterator[dict[str, Any]]:
    for column in schema:
        is_list = pa.types.is_list(column.type)
        inner = column.type.value_type if is_list else column.type
        if pa.types.is_struct(inner):
            continue  # readers of Croissant take no records out of the lists in a column, such as a model's versions
        yield {
            "@type": "cr:Field",
            "@id": f"{record_set}/{column.name}",
            "name": column.name,
            "description": column.metadata[b"description"].decode(),
            "dataType": _data_type(inner),
            "source": {"fileObject": {"@id": name}, "extract": {"column": column.name}},
            **({"isArray": True, "arrayShape": "-1"} if is_list else {}),
        }


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    if pa.types.is_floating(kind):
        return "sc:Float"
    return "sc:Date" if pa.types.is_date(kind) else "sc:Text"
