"""A server on loopback, of bytes by path; the test that starts it stops it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@contextmanager
def serving(
    answers: Mapping[str, bytes], headers: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Serve what is answered to each path, 404 to any other; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._send(b"")

        def do_GET(self) -> None:
            self._send(answers.get(self.path.partition("?")[0], b"{}"))

        def _send(self, body: bytes) -> None:
            path = self.path.partition("?")[0]
            self.send_response(200 if path in answers else 404)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answers.get(path, b"{}"))))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *said: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
