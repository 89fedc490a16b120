"""A small hub of datasets: what `huggingface_hub` asks of one to create a repository, upload large files and commit."""

import base64
import hashlib
import json
import re
import sys
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_token_of_the_tests"
REPOSITORY = "lab/arena"
LARGE = (".parquet", ".bin")
Tree = dict[str, bytes]


@dataclass
class Hub:
    """Branches of the one repository, large files by digest, and what was asked."""

    branches: dict[str, Tree] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    failing: str | None = None


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    hub = Hub()

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        self._dispatch()

    do_HEAD = do_POST = do_PUT = do_GET

    def _dispatch(self) -> None:
        path = unquote(urlsplit(self.path).path)
        body = self._body()
        if path == "/-/state":
            return self._state()
        if path == "/-/failing":
            self.hub.failing = body.decode() or None
            return self._json({})
        self.hub.asked.append(f"{self.command} {path}")
        if self.headers.get("authorization") != f"Bearer {TOKEN}" and not path.startswith("/large/"):
            return self._json({"error": "Invalid username or password."}, 401)
        if self.hub.failing and path.startswith(self.hub.failing):
            return self._json({"error": "The hub of the tests fails as it was told."}, 400)
        for pattern, answer in ROUTES.items():
            if found := re.fullmatch(pattern.replace("REPO", re.escape(REPOSITORY)), path):
                return answer(self, body, *found.groups())
        self._json({"error": f"Not found: {path}"}, 404, {"X-Error-Code": "RepoNotFound"})

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", "0")))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def create(self, body: bytes) -> None:
        wanted = json.loads(body)
        if self.hub.branches:
            return self._json({"error": "You already created this dataset repo", "url": self._url()}, 409)
        assert f"{wanted['organization']}/{wanted['name']}" == REPOSITORY
        assert wanted["type"] == "dataset"
        self.hub.branches["main"] = {".gitattributes": b"*.parquet filter=lfs\n"}
        self._json({"url": self._url(), "id": REPOSITORY, "name": REPOSITORY})

    def branch(self, body: bytes, name: str) -> None:
        if name in self.hub.branches:
            return self._json({"error": "Reference already exists"}, 409)
        self.hub.branches[name] = dict(self.hub.branches["main"])
        self._json({})

    def info(self, body: bytes, revision: str = "main") -> None:
        self._json({"id": REPOSITORY, "sha": _oid(self.hub.branches[revision]), "siblings": []})

    def tree(self, body: bytes, revision: str) -> None:
        self._json([_entry(name, content) for name, content in self.hub.branches[revision].items()])

    def preupload(self, body: bytes, revision: str) -> None:
        answers = []
        for file in json.loads(body)["files"]:
            there = self.hub.branches[revision].get(file["path"])
            large = file["path"].endswith(LARGE)
            oid = None if there is None else _entry(file["path"], there)["oid"]
            if there is not None and large:
                oid = hashlib.sha256(there).hexdigest()
            answers.append({"path": file["path"], "uploadMode": "lfs" if large else "regular",
                            "shouldIgnore": False, "oid": oid})  # fmt: skip
        self._json({"files": answers})

    def batch(self, body: bytes) -> None:
        objects = []
        for each in json.loads(body)["objects"]:
            answer = {"oid": each["oid"], "size": each["size"], "authenticated": True}
            if each["oid"] not in self.hub.large:
                answer["actions"] = {"upload": {"href": f"{self._base()}/large/{each['oid']}", "header": {}}}
            objects.append(answer)
        self._json({"transfer": "basic", "objects": objects})

    def upload(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            return self._json({"error": "not the file that was announced"}, 400)
        self.hub.large[oid] = body
        self._json({})

    def commit(self, body: bytes, revision: str) -> None:
        tree = dict(self.hub.branches[revision])
        for line in body.splitlines():
            said = json.loads(line)
            key, value = said["key"], said["value"]
            if key == "file":
                tree[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                tree[value["path"]] = self.hub.large[value["oid"]]
            elif key == "deletedFile":
                del tree[value["path"]]
        self.hub.branches[revision] = tree
        self._json({"commitUrl": f"{self._url()}/commit/{_oid(tree)}", "commitOid": _oid(tree)})

    def resolve(self, body: bytes, revision: str, path: str) -> None:
        content = self.hub.branches[revision].get(path)
        if content is None:
            return self._json({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
        headers = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"'}
        headers["X-Repo-Commit"] = _oid(self.hub.branches[revision])
        self._answer(content, 200, headers)

    def valid(self, body: bytes) -> None:
        assert json.loads(body)["content"].startswith("---\n")
        self._json({"errors": [], "warnings": []})

    def _state(self) -> None:
        asked, self.hub.asked = self.hub.asked, []
        branches = {
            name: {path: base64.b64encode(content).decode() for path, content in tree.items()}
            for name, tree in self.hub.branches.items()
        }
        self._json({"branches": branches, "asked": asked})

    def _base(self) -> str:
        return f"http://{self.headers['host']}"

    def _url(self) -> str:
        return f"{self._base()}/datasets/{REPOSITORY}"

    def _json(self, says: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._answer(
            json.dumps(says).encode(), status, {"Content-Type": "application/json"} | (headers or {})
        )

    def _answer(self, content: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _oid(tree: Tree) -> str:
    digest = hashlib.sha1()
    for name, content in sorted(tree.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha1(content).digest())
    return digest.hexdigest()


def _entry(name: str, content: bytes) -> dict[str, Any]:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    said: dict[str, Any] = {"type": "file", "path": name, "size": len(content), "oid": blob}
    if name.endswith(LARGE):
        digest = hashlib.sha256(content).hexdigest()
        said["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 130}
    return said


ROUTES: dict[str, Any] = {
    "/api/repos/create": Handler.create,
    "/api/validate-yaml": Handler.valid,
    "/api/datasets/REPO/branch/(.+)": Handler.branch,
    "/api/datasets/REPO": Handler.info,
    "/api/datasets/REPO/revision/(.+)": Handler.info,
    "/api/datasets/REPO/tree/([^/]+)": Handler.tree,
    "/api/datasets/REPO/preupload/(.+)": Handler.preupload,
    "/api/datasets/REPO/commit/(.+)": Handler.commit,
    "/datasets/REPO.git/info/lfs/objects/batch": Handler.batch,
    "/datasets/REPO/resolve/([^/]+)/(.+)": Handler.resolve,
    "/large/([0-9a-f]{64})": Handler.upload,
}

if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
