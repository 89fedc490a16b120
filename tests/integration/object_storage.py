"""A small server that speaks as much of S3 as publishing needs: objects with metadata, uploads in parts, deletion.

It takes requests signed with one access key, checks digests of bodies where they are signed, and can be told to fail.
"""

import base64
import hashlib
import json
import re
import sys
import threading
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

ACCESS_KEY = "access-key-of-the-tests"
BUCKET = "open-data"
CONTROL = "/-/"
XML = '<?xml version="1.0" encoding="UTF-8"?>'
KEPT = ("content-type", "x-amz-meta-sha256")


@dataclass
class Storage:
    """What the server holds, what it was asked, and the end of the keys it refuses."""

    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    uploads: dict[str, tuple[str, dict[str, str], dict[int, bytes]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    failing: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    storage = Storage()

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path.startswith(CONTROL):
            return self._control()
        self._object(with_body=True)

    def do_HEAD(self) -> None:
        self._object(with_body=False)

    def do_PUT(self) -> None:
        body = self._body()
        if self.path.startswith(CONTROL):
            self.storage.failing = body.decode() or None
            return self._answer(200)
        key = self._key(body)
        if key is None:
            return
        query, etag = self._query(), hashlib.md5(body).hexdigest()
        if "uploadId" in query:
            self.storage.uploads[query["uploadId"]][2][int(query["partNumber"])] = body
        else:
            self.storage.objects[key] = (body, self._kept())
        self._answer(200, headers={"ETag": f'"{etag}"'})

    def do_POST(self) -> None:
        body = self._body()
        key = self._key(body)
        if key is None:
            return
        query = self._query()
        if "uploads" in query:
            name = hashlib.sha256(f"{key} {len(self.storage.uploads)}".encode()).hexdigest()[:32]
            self.storage.uploads[name] = (key, self._kept(), {})
            said = f"<UploadId>{name}</UploadId>"
            return self._xml(
                "InitiateMultipartUploadResult", f"<Bucket>{BUCKET}</Bucket><Key>{key}</Key>{said}"
            )
        if "uploadId" in query:
            key, kept, parts = self.storage.uploads.pop(query["uploadId"])
            whole = b"".join(parts[number] for number in sorted(parts))
            self.storage.objects[key] = (whole, kept)
            return self._xml("CompleteMultipartUploadResult", f'<ETag>"{len(parts)}"</ETag>')
        gone = re.findall(r"<Key>(.*?)</Key>", body.decode())  # DeleteObjects
        for each in gone:
            self.storage.objects.pop(each, None)
            self.storage.asked.append(f"DELETE {each}")
        self._xml("DeleteResult", "".join(f"<Deleted><Key>{each}</Key></Deleted>" for each in gone))

    def do_DELETE(self) -> None:
        key = self._key(b"")
        if key is not None:
            self.storage.objects.pop(key, None)
            self._answer(204)

    def _object(self, *, with_body: bool) -> None:
        key = self._key(b"")
        if key is None:
            return
        if key not in self.storage.objects:
            return self._answer(404, _error("NoSuchKey") if with_body else b"")
        body, kept = self.storage.objects[key]
        headers = {
            "ETag": f'"{hashlib.md5(body).hexdigest()}"',
            "Last-Modified": formatdate(0, usegmt=True),
        } | kept
        self._answer(200, body, headers, with_body=with_body)

    def _key(self, body: bytes) -> str | None:
        """The key that is asked for; None once the request was refused."""
        path = unquote(urlsplit(self.path).path)
        bucket, _, key = path.lstrip("/").partition("/")
        self.storage.asked.append(f"{self.command} {key}")
        signed = f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/"
        digest = self.headers.get("x-amz-content-sha256", "")
        if not self.headers.get("authorization", "").startswith(signed):
            self._answer(403, _error("AccessDenied"))
        elif bucket != BUCKET:
            self._answer(404, _error("NoSuchBucket"))
        elif re.fullmatch("[0-9a-f]{64}", digest) and digest != hashlib.sha256(body).hexdigest():
            self._answer(400, _error("XAmzContentSHA256Mismatch"))
        elif self.command in ("PUT", "POST") and self.storage.failing and key.endswith(self.storage.failing):
            self._answer(403, _error("AccessDenied"))
        else:
            return key
        return None

    def _control(self) -> None:
        """What the tests ask: everything that is here, and all that was asked since the last time."""
        with self.storage.lock:
            asked, self.storage.asked = self.storage.asked, []
        objects = {
            key: {"body": base64.b64encode(body).decode(), **kept}
            for key, (body, kept) in self.storage.objects.items()
        }
        self._answer(200, json.dumps({"objects": objects, "asked": asked}).encode())

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", "0")))

    def _query(self) -> dict[str, str]:
        asked = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        return {name: values[0] for name, values in asked.items()}

    def _kept(self) -> dict[str, str]:
        return {name: self.headers[name] for name in KEPT if name in self.headers}

    def _xml(self, name: str, content: str) -> None:
        self._answer(200, f"{XML}<{name}>{content}</{name}>".encode())

    def _answer(
        self,
        status: int,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        with_body: bool = True,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)


def _error(code: str) -> bytes:
    return f"{XML}<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
