"""Chromium without a window, with a page that uses cameras as video apps do."""

from __future__ import annotations

import base64
import json
import queue
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from vm_user import User

_PAGE = Path(__file__).with_name("vm_page.html")
_PATIENCE = 240.0  # to start takes more than a minute here
_LOG = Path("/run/chromium.log")


class Browser:
    """Started by `user`; the page does one act after the other."""

    def __init__(self, user: User) -> None:
        self._acts: queue.Queue[dict[str, Any]] = queue.Queue()
        self._told: queue.Queue[dict[str, Any]] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        with _LOG.open("w") as log:
            self._process = user.start(
                [
                    *("chromium", "--headless=new", "--no-sandbox", "--disable-gpu"),
                    *("--no-first-run", "--disable-extensions", "--disable-background-networking"),
                    *("--disable-component-update", "--disable-sync", "--disable-default-apps"),
                    *("--disable-dev-shm-usage", "--window-size=640,480", "--mute-audio"),
                    "--use-fake-ui-for-media-stream",  # says yes to the question for permission
                    f"--user-data-dir={user.home}/chromium",
                    f"http://127.0.0.1:{self._server.server_address[1]}/",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def do(self, act: str, *words: str) -> Any:
        """What the page's act of this name gives.

        Raises:
            AssertionError: it failed; why.
        """
        self._acts.put({"act": act, "words": words})
        try:
            told = self._told.get(timeout=_PATIENCE)
        except queue.Empty:
            raise AssertionError(f"no answer to {act}: {_LOG.read_text()[-3000:]}") from None
        assert "error" not in told, told["error"]
        return told["result"]

    def picture(self) -> NDArray[np.uint8]:
        """What the page's canvas shows, RGB (H, W, 3)."""
        data = base64.b64decode(self.do("picture").partition(",")[2])
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._server.shutdown()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        acts, told = self._acts, self._told

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/act":
                    self._answer("application/json", json.dumps(acts.get()).encode())
                elif self.path == "/":
                    self._answer("text/html", _PAGE.read_bytes())
                else:
                    self.send_error(404)

            def do_POST(self) -> None:
                told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._answer("text/plain", b"")

            def log_message(self, format: str, *words: Any) -> None:
                pass

            def _answer(self, kind: str, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler
