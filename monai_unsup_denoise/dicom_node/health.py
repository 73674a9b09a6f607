"""The page at the loopback interface: ``/health`` for monitoring, ``/metrics`` for Prometheus."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from monai_unsup_denoise.dicom_node.counts import Counts
from monai_unsup_denoise.errors import InputError

_LOOPBACK = "127.0.0.1"


class HealthPage:
    """The running page, until `close`.

    Args:
        port: 0 for any that is free.
        counts: of the node.
        problems: what is wrong at present; the answer has the status 503 if there is something.
        refresh: called before the metrics are read.

    Raises:
        InputError: if the port is taken.
    """

    def __init__(
        self, port: int, *, counts: Counts, problems: Callable[[], list[str]], refresh: Callable[[], None]
    ) -> None:
        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                if self.path == "/metrics":
                    refresh()
                    self._answer(200, CONTENT_TYPE_LATEST, generate_latest(counts.registry))
                elif self.path == "/health":
                    found = problems()
                    content = json.dumps({"status": "problem" if found else "ok", "problems": found})
                    self._answer(503 if found else 200, "application/json", f"{content}\n".encode())
                else:
                    self._answer(404, "text/plain", b"/health or /metrics\n")

            def _answer(self, status: int, kind: str, content: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: object) -> None:
                """Not in the log."""

        try:
            self._server = ThreadingHTTPServer((_LOOPBACK, port), Handler)
        except OSError as error:
            raise InputError(
                f"health_port: {_LOOPBACK}:{port} cannot be listened on ({error.strerror}); choose another port"
            ) from error
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
