"""A small Hugging Face hub on loopback: as much of its protocol as a download needs.

    GET  /api/models/OWNER/NAME/revision/REV?blobs=true      what a repository holds
    GET  /api/models/OWNER/NAME/tree/COMMIT?recursive=true   the same, as a list of files
    GET, HEAD  /OWNER/NAME/resolve/REV/PATH                  a file; large ones redirect
    GET, HEAD  /cdn/SHA256                                   where large files lie; takes ranges

Its faults are set from the outside: a transfer that is cut, altered bytes, a busy store.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_API = re.compile(r"/api/models/([^/]+/[^/]+)/(revision|tree)/(.+)")
_RESOLVE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


@dataclass
class Repository:
    files: dict[str, bytes]
    commit: str = "0123456789abcdef0123456789abcdef01234567"
    licence: str = "mit"
    revisions: tuple[str, ...] = ("main",)
    gated: bool = False

    @classmethod
    def of(cls, folder: Path, **more: Any) -> Repository:
        files = (path for path in folder.rglob("*") if path.is_file())
        return cls({p.relative_to(folder).as_posix(): p.read_bytes() for p in files}, **more)

    def has(self, revision: str) -> bool:
        return revision in (self.commit, *self.revisions)


@dataclass
class Hub:
    """What it holds, how it fails, and what it was asked."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    cut_after: int | None = None  # bytes of a large file; once, then it is whole again
    busy_after_cut: bool = False  # the store then answers with 503 until it is set to False
    altered: set[str] = field(default_factory=set)  # SHA-256 of files that come with other bytes
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, range
    agents: set[str] = field(default_factory=set)
    endpoint: str = ""
    store: str = ""  # where large files lie: another host, as on the hub itself
    busy: bool = False

    def large(self, sha256: str) -> bytes | None:
        for repository in self.repositories.values():
            for content in repository.files.values():
                if hashlib.sha256(content).hexdigest() == sha256:
                    return content
        return None


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    server = _Server(("127.0.0.1", 0), _handler(hub))
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    hub.store = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, address: Any) -> None:
        """A client that hangs up is nothing to report on stderr, which the tests read."""


def is_large(path: str) -> bool:
    """What the hub keeps outside of git."""
    return path.endswith((".safetensors", ".bin"))


def blob_of(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet

        def do_GET(self) -> None:
            self._answer()

        def do_HEAD(self) -> None:
            self._answer()

        def log_message(self, *words: object) -> None:
            pass

        def _answer(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append((self.command, path, self.headers.get("Range", "")))
            hub.agents.add(self.headers.get("User-Agent", ""))
            if found := _API.fullmatch(path):
                self._describe(*found.groups())
            elif found := _RESOLVE.fullmatch(path):
                self._resolve(*found.groups())
            elif path.startswith("/cdn/"):
                self._large(path.removeprefix("/cdn/"))
            else:
                self._fault(404, "EntryNotFound")

        def _repository(self, name: str, revision: str) -> Repository | None:
            repository = hub.repositories.get(name)
            if repository is None:
                self._fault(404, "RepoNotFound")
            elif not repository.has(revision):
                self._fault(404, "RevisionNotFound")
            else:
                return repository
            return None

        def _describe(self, name: str, kind: str, revision: str) -> None:
            if (repository := self._repository(name, revision)) is None:
                return
            entries = [_entry(path, kind, it) for path, it in sorted(repository.files.items())]
            card = {"license": repository.licence}
            about = {"id": name, "sha": repository.commit, "cardData": card, "siblings": entries}
            self._send(200, json.dumps(about if kind == "revision" else entries).encode())

        def _resolve(self, name: str, revision: str, path: str) -> None:
            if (repository := self._repository(name, revision)) is None:
                return
            if repository.gated:
                self._fault(403, "GatedRepo")
                return
            if (content := repository.files.get(path)) is None:
                self._fault(404, "EntryNotFound")
                return
            headers = {"X-Repo-Commit": repository.commit, "ETag": f'"{blob_of(content)}"'}
            if is_large(path):
                sha256 = hashlib.sha256(content).hexdigest()
                headers |= {
                    "Location": f"{hub.store}/cdn/{sha256}",
                    "X-Linked-ETag": f'"{sha256}"',
                    "X-Linked-Size": str(len(content)),
                }
                self._send(302, b"", headers)
            else:
                self._send(200, content, headers)

        def _large(self, sha256: str) -> None:
            content = hub.large(sha256)
            if hub.busy:
                self._fault(503, "Busy")
            elif content is None:
                self._fault(404, "EntryNotFound")
            else:
                if sha256 in hub.altered:
                    content = content[:-1] + bytes([content[-1] ^ 1])
                self._send_range(content)

        def _send_range(self, content: bytes) -> None:
            start = int((self.headers.get("Range") or "bytes=0-")[6:].rstrip("-"))
            headers = {"Accept-Ranges": "bytes"}
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self._send(206 if start else 200, content[start:], headers)

        def _fault(self, status: int, code: str) -> None:
            self._send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": code})

        def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            if hub.cut_after is not None and len(body) > hub.cut_after and "/cdn/" in self.path:
                body, hub.cut_after, hub.busy = body[: hub.cut_after], None, hub.busy_after_cut
                self.close_connection = True
            self.wfile.write(body)

    return Handler


def _entry(path: str, kind: str, content: bytes) -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    lfs = {"sha256": sha256, "oid": sha256, "size": len(content), "pointerSize": 134}
    if kind == "revision":
        entry = {"rfilename": path, "size": len(content), "blobId": blob_of(content)}
    else:
        entry = {"type": "file", "path": path, "size": len(content), "oid": blob_of(content)}
    return {**entry, "lfs": lfs} if is_large(path) else entry
