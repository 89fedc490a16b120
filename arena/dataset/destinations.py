"""Where releases may be published: a folder, S3-compatible storage, a Hugging Face dataset repository, this site."""

import hashlib
import mimetypes
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol

import orjson

from arena.dataset.release_folder import ReleaseFolder, digest_of_file, read_checksums
from arena.errors import PublishRefused
from arena.settings import Settings
from ratings.release.schema import CHECKSUMS, MANIFEST

Advance = Callable[[float], None]
SITE: Final = "site"
RELEASES: Final = "releases"
MAIN: Final = "main"
PART_BYTES: Final = 16 * 2**20
PARTS_AT_ONCE: Final = 4
DIGEST: Final = "sha256"
TYPES: Final = {
    ".parquet": "application/vnd.apache.parquet",
    ".jsonl": "application/jsonl",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".pub": "application/x-pem-file",
    ".sig": "application/octet-stream",
    "": "text/plain; charset=utf-8",
}


class Destination(Protocol):
    """A place that takes releases."""

    @property
    def name(self) -> str:
        """As it is set in ARENA_RELEASE_DESTINATIONS."""

    def address(self, release: str) -> str:
        """Where a release is found once it is published here."""

    def publish(self, folder: ReleaseFolder, advance: Advance) -> None:
        """Bring what is here up to date; done twice, the second time changes nothing."""


class FileStore(Protocol):
    """Files of one release in some place, each of which is there as a whole or not at all."""

    def digest(self, file: str) -> str | None:
        """Of the file that is there."""

    def read(self, file: str) -> bytes | None:
        """A small file."""

    def put(self, file: str, source: Path, digest: str) -> None: ...

    def remove(self, file: str) -> None: ...


def bring_up_to_date(store: FileStore, folder: ReleaseFolder, advance: Advance) -> None:
    """Put what is missing or differs, remove what an earlier release of this name had more, then SHA256SUMS.

    Until the last step, the SHA256SUMS there, if any, fits the files there no more: half an upload shows.
    """
    before = store.read(CHECKSUMS)
    gone = _listed(before) - set(folder.digests)
    total, done = sum(map(folder.size, folder.digests)), 0
    for file, digest in folder.digests.items():
        if file == CHECKSUMS:
            for each in sorted(gone):
                store.remove(each)
        if store.digest(file) != digest:
            store.put(file, folder.path / file, digest)
        done += folder.size(file)
        advance(done / total)


def _listed(checksums: bytes | None) -> set[str]:
    """What an earlier release brought; a damaged list tells nothing, and is overwritten with the others."""
    with suppress(PublishRefused):
        return set(read_checksums(checksums or b""))
    return set()


class Folder:
    """A folder of this machine, with a folder for each release."""

    def __init__(self, name: str, path: Path, address: str) -> None:
        self.name = name
        self._path = path
        self._address = address

    def address(self, release: str) -> str:
        return f"{self._address}/{release}"

    def publish(self, folder: ReleaseFolder, advance: Advance) -> None:
        target = self._path / folder.name
        if target.resolve() != folder.path.resolve():
            bring_up_to_date(_FilesInFolder(target), folder, advance)


class _FilesInFolder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def digest(self, file: str) -> str | None:
        return digest_of_file(self._path / file)

    def read(self, file: str) -> bytes | None:
        with suppress(FileNotFoundError):
            return (self._path / file).read_bytes()
        return None

    def put(self, file: str, source: Path, digest: str) -> None:
        target = self._path / file
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_name(f".{target.name}.half")
        shutil.copyfile(source, half)
        os.replace(half, target)

    def remove(self, file: str) -> None:
        (self._path / file).unlink(missing_ok=True)
        with suppress(OSError):  # others are still in it
            (self._path / file).parent.rmdir()


class ObjectStorage:
    """A bucket of S3 or of storage that speaks like it; credentials come from the usual variables of AWS."""

    def __init__(self, name: str, endpoint: str | None) -> None:
        self.name = name
        self._bucket, _, prefix = name.removeprefix("s3://").partition("/")
        self._prefix = prefix.strip("/")
        self._endpoint = endpoint

    def address(self, release: str) -> str:
        return "/".join(filter(None, ("s3:/", self._bucket, self._prefix, release)))

    def publish(self, folder: ReleaseFolder, advance: Advance) -> None:
        _package("obstore", self.name, "s3")
        from obstore.store import S3Store

        endpoint = {"endpoint": self._endpoint} if self._endpoint else {}
        options: Any = {"allow_http": (self._endpoint or "").startswith("http://")}
        prefix = "/".join(filter(None, (self._prefix, folder.name)))
        store = S3Store(self._bucket, prefix=prefix, client_options=options, **endpoint)  # type: ignore[arg-type]
        bring_up_to_date(_Objects(store), folder, advance)


class _Objects:
    def __init__(self, store: Any) -> None:
        import obstore

        self._obstore = obstore
        self._store = store

    def digest(self, file: str) -> str | None:
        try:
            found = self._obstore.get(self._store, file, options={"head": True})
        except FileNotFoundError:
            return None
        return found.attributes.get(DIGEST)

    def read(self, file: str) -> bytes | None:
        try:
            return bytes(self._obstore.get(self._store, file).bytes())
        except FileNotFoundError:
            return None

    def put(self, file: str, source: Path, digest: str) -> None:
        attributes: Any = {"Content-Type": content_type(file), DIGEST: digest}
        self._obstore.put(
            self._store, file, source, attributes=attributes, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE
        )  # fmt: skip

    def remove(self, file: str) -> None:
        self._obstore.delete(self._store, file)


class HubDataset:
    """A dataset repository of Hugging Face: a branch for each release, and the newest one on the main branch.

    A commit is there as a whole or not at all. Files that no release brought stay.
    """

    def __init__(self, name: str, endpoint: str | None) -> None:
        self.name = name
        self._repository = name.removeprefix("hf://datasets/")
        self._endpoint = endpoint

    def address(self, release: str) -> str:
        host = (self._endpoint or "https://huggingface.co").rstrip("/")
        return f"{host}/datasets/{self._repository}/tree/{release}"

    def publish(self, folder: ReleaseFolder, advance: Advance) -> None:
        hub = _package("huggingface_hub", self.name, "huggingface")
        api = hub.HfApi(endpoint=self._endpoint)
        of_repository = {"repo_id": self._repository, "repo_type": "dataset"}
        api.create_repo(**of_repository, exist_ok=True)
        api.create_branch(**of_repository, branch=folder.name, exist_ok=True)
        with _without_bars(hub):
            self._commit(hub, api, folder, folder.name, advance)
            if self._is_newest(hub, api, folder):
                self._commit(hub, api, folder, MAIN, lambda share: None)

    def _commit(self, hub: Any, api: Any, folder: ReleaseFolder, revision: str, advance: Advance) -> None:
        where = {"repo_id": self._repository, "repo_type": "dataset", "revision": revision}
        there = {
            each.path: each.lfs.sha256 if each.lfs else _blob(folder, each)
            for each in api.list_repo_tree(**where, recursive=True)
            if isinstance(each, hub.RepoFile)
        }
        wanted = [file for file, digest in folder.digests.items() if there.get(file) != digest]
        additions = [
            hub.CommitOperationAdd(path_in_repo=file, path_or_fileobj=folder.path / file) for file in wanted
        ]
        for number, addition in enumerate(additions, start=1):
            api.preupload_lfs_files(**where, additions=[addition], free_memory=False)
            advance(number / len(additions))
        before = self._read(hub, api, CHECKSUMS, revision)
        gone = sorted(_listed(before) & set(there) - set(folder.digests))
        operations = [*additions, *(hub.CommitOperationDelete(path_in_repo=file) for file in gone)]
        if operations:
            api.create_commit(**where, operations=operations, commit_message=f"Release {folder.name}")

    def _is_newest(self, hub: Any, api: Any, folder: ReleaseFolder) -> bool:
        """Whether no later release is on the main branch."""
        manifest = self._read(hub, api, MANIFEST, MAIN)
        return manifest is None or bool(orjson.loads(manifest)["cut_week"] <= folder.manifest["cut_week"])

    def _read(self, hub: Any, api: Any, file: str, revision: str) -> bytes | None:
        """A small file of the repository."""
        with tempfile.TemporaryDirectory() as here, suppress(hub.errors.EntryNotFoundError):
            path = api.hf_hub_download(
                self._repository, file, repo_type="dataset", revision=revision, local_dir=here
            )
            return Path(path).read_bytes()
        return None


def _blob(folder: ReleaseFolder, there: Any) -> str | None:
    """The digest of our file, if git's name of the one there says that it is the same."""
    path = folder.path / there.path
    if there.path not in folder.digests or path.stat().st_size != there.size:
        return None
    blob = hashlib.sha1(b"blob %d\0" % there.size + path.read_bytes(), usedforsecurity=False).hexdigest()
    return folder.digests[there.path] if blob == there.blob_id else None


@contextmanager
def _without_bars(hub: Any) -> Iterator[None]:
    """The library's own progress bars would fight with ours."""
    shown = not hub.utils.are_progress_bars_disabled()
    hub.utils.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            hub.utils.enable_progress_bars()


def content_type(file: str) -> str:
    """The media type of a file of a release."""
    suffix = PurePosixPath(file).suffix
    return TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")


def destinations_of(settings: Settings) -> Sequence[Destination]:
    """The places that the settings name."""
    return [_destination(name, settings) for name in settings.release_destinations]


def site_folder(settings: Settings) -> Path:
    """Where this site serves releases from, and where the schedule writes them."""
    return settings.home.absolute() / RELEASES


def _destination(name: str, settings: Settings) -> Destination:
    if name == SITE:
        return Folder(SITE, site_folder(settings), "/data")
    if name.startswith("s3://"):
        return ObjectStorage(name, settings.release_s3_endpoint)
    if name.startswith("hf://"):
        return HubDataset(name, settings.release_hf_endpoint)
    path = Path("/" + name.removeprefix("file:").strip("/"))
    return Folder(name, path, str(path))


def _package(module: str, destination: str, extra: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ValueError(
            f"{destination} needs the package {module.replace('_', '-')}: pip install 'arena[{extra}]'."
        ) from error
