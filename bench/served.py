"""A running `docmind serve` for benchmarks: started, asked over HTTP, watched, stopped."""
import http.client
import json
import pathlib
import signal
import socket
import subprocess
import threading
import time

from common import DOCMIND, ENVIRONMENT, BenchError


class Served:
    def __init__(self, store, *flags, environment=None):
        self.log = open(pathlib.Path(store).with_suffix(".log"), "w+")
        self.child = subprocess.Popen(
            [DOCMIND, "--store", str(store), "serve", "--port", "0", *map(str, flags)], stdout=subprocess.PIPE,
            stderr=self.log, text=True, env={**ENVIRONMENT, **(environment or {})})
        self.port = 0
        for line in self.child.stdout:
            if "http://" in line:
                self.port = int(line.rsplit(":", 1)[1])
                break
        if not self.port:
            self.log.seek(0)
            raise BenchError(f"docmind serve did not start: {self.log.read()}")
        threading.Thread(target=self.child.stdout.read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            self.child.wait(timeout=60)
        self.log.close()

    def request(self, method, path, body=None, headers=None, timeout=120):
        """(status, body as JSON or text); one connection a request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        data = None if body is None else json.dumps(body) if isinstance(body, (dict, list)) else body
        connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, text.decode(errors="replace")

    def stream(self, path, body, timeout=120):
        """Seconds until the first event, until the end, and the number of events of a stream."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        started = time.perf_counter()
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            raise BenchError(f"{path}: {response.status} {response.read()[:300]}")
        first, events = None, 0
        for line in response:
            if line.startswith(b"data:"):
                first = first or time.perf_counter() - started
                events += 1
        connection.close()
        return first, time.perf_counter() - started, events

    def rss_bytes(self):
        for line in pathlib.Path(f"/proc/{self.child.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024
        return 0

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def n_fds(self):
        return len(list(pathlib.Path(f"/proc/{self.child.pid}/fd").iterdir()))

    def idle_connections(self, n):
        """Opened, each having asked once."""
        held = []
        for _ in range(n):
            connection = socket.create_connection(("127.0.0.1", self.port))
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            held.append(connection)
        for connection in held:
            connection.settimeout(10)
            connection.recv(65536)
        return held

    def wait_indexed(self, timeout_s=600):
        until = time.time() + timeout_s
        while time.time() < until:
            _, job = self.request("GET", "/v1/index")
            if job["job"] and not job["running"] and not job["queued"]:
                return job
            time.sleep(0.1)
        raise BenchError("indexing did not end")
