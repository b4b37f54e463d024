"""A JSON server on loopback for the time of a `with`: what the tests' own servers share."""

import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Quiet, keeps connections, and bears a client that is gone; `owner` is the `Loopback`."""

    protocol_version = "HTTP/1.1"

    @property
    def owner(self):
        return self.server.owner

    def log_message(self, *_):
        pass

    def handle(self):
        with suppress(ConnectionResetError, json.JSONDecodeError):  # the client was killed
            super().handle()

    def body(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def send(self, status, values, headers=None):
        """Answer with JSON, or with a text that is sent as it is."""
        sent = (values if isinstance(values, str) else json.dumps(values)).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            for name, value in (headers or {}).items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(sent)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client lost patience


class Loopback:
    """Serves the class `handler` of the subclass at `url`."""

    handler = Handler

    def __enter__(self):
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.http.daemon_threads = True
        self.http.owner = self
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()
