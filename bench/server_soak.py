#!/usr/bin/env python3
"""Minutes of hostile and ordinary traffic against one server: nothing may crash, grow or be lost.

Questions at about 80% of what the server can do; beside them clients that vanish in mid-answer, half-open sockets,
malformed and oversized requests. Memory is read after the first third and at the end.
"""
import argparse
import json
import pathlib
import random
import socket
import struct
import tempfile
import threading
import time

from common import DATA, BenchError, ROOT, main, percentile, report, row, run
from load import QUESTIONS, ask_all
from served import Served


class Counts:
    def __init__(self):
        self.lock = threading.Lock()
        self.values = dict.fromkeys(
            ["answered", "refused", "failed", "vanished", "bad", "half_open", "unanswered_bad"], 0)
        self.ms = []
        self.failures = []

    def add(self, name, n=1):
        with self.lock:
            self.values[name] += n


def asker(served, counts, stop, pause_s, seed, model):
    """Ordinary questions; what is accepted must be answered."""
    chance = random.Random(seed)
    while not stop.is_set():
        started = time.perf_counter()
        question = {"question": chance.choice(QUESTIONS), "use_cache": chance.random() < 0.5, "max_tokens": 24}
        try:
            if model and chance.random() < 0.3:
                status, answer = served.request("POST", "/v1/chat/completions", {
                    "model": model, "max_tokens": 24, "messages": [{"role": "user", "content": question["question"]}]})
            else:
                status, answer = served.request("POST", "/v1/rag/query", question)
        except OSError as error:
            status, answer = 0, str(error)
        with counts.lock:
            if status == 200:
                counts.values["answered"] += 1
                counts.ms.append((time.perf_counter() - started) * 1000)
            elif status in (429, 503):
                counts.values["refused"] += 1
            else:
                counts.values["failed"] += 1
                counts.failures.append((status, str(answer)[:200]))
        time.sleep(chance.expovariate(1 / pause_s))


def connect(served, timeout=5):
    return socket.create_connection(("127.0.0.1", served.port), timeout=timeout)


def post(path, body, extra=b""):
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + extra + b"\r\n" + body


def vanisher(served, counts, stop, seed, model):
    """Asks for a stream and goes: politely, by reset, or after some of it."""
    chance = random.Random(seed)
    while not stop.is_set():
        body = json.dumps({"question": chance.choice(QUESTIONS), "stream": True, "use_cache": False,
                           "max_tokens": 200}).encode()
        path = "/v1/rag/query"
        if model and chance.random() < 0.7:
            path = "/v1/chat/completions"
            body = json.dumps({"model": model, "stream": True, "max_tokens": 400,
                               "messages": [{"role": "user", "content": "Go on."}]}).encode()
        try:
            with connect(served) as client:
                client.sendall(post(path, body))
                if chance.random() < 0.5:
                    client.recv(chance.randrange(1, 600))
                if chance.random() < 0.5:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        counts.add("vanished")
        time.sleep(0.05)


def half_open(served, counts, stop):
    """Connections that begin a request and say no more."""
    held = []
    while not stop.is_set():
        try:
            client = connect(served)
            client.sendall(random.choice([b"", b"GET /he",
                                          b"POST /v1/rag/query HTTP/1.1\r\nHost: localhost\r\nContent-Le",
                                          post("/v1/rag/query", b"x" * 500)[:-400]]))
            held.append(client)
            counts.add("half_open")
        except OSError:
            pass
        if len(held) > 200:
            held.pop(0).close()
        time.sleep(0.1)
    for client in held:
        client.close()


def bad_requests(chance):
    """One request that must be refused, of many kinds."""
    kind = chance.randrange(12)
    if kind == 0:
        return bytes(chance.randrange(256) for _ in range(chance.randrange(1, 400))) + b"\r\n\r\n"
    if kind == 1:
        return post("/v1/chat/completions", b'{"messages": [' + b"[" * chance.randrange(1, 3000))
    if kind == 2:
        return post("/v1/rag/query", json.dumps({"question": chance.choice([None, 3, [], {}, ""])}).encode())
    if kind == 3:
        return b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    if kind == 4:
        return b"POST /v1/rag/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n"
    if kind == 5:
        return post("/v1/rag/query", b"0\r\n\r\n", b"Transfer-Encoding: chunked\r\n")
    if kind == 6:
        return b"POST /v1/rag/query HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nno\r\n"
    if kind == 7:
        return b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    if kind == 8:
        field = chance.choice(["max_tokens", "n", "top_k", "temperature", "top_logprobs"])
        value = chance.choice([-1, 1e308, 2**63, "x", []])
        return post("/v1/chat/completions", json.dumps({"messages": [{"role": "user", "content": "x"}],
                                                        field: value}).encode())
    if kind == 9:
        part = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../../etc/passwd\"\r\n\r\nhello"
        return post("/v1/documents", part, b"Content-Type: multipart/form-data; boundary=x\r\n")
    if kind == 10:
        return b"DELETE /v1/documents/%2e%2e%2f HTTP/1.1\r\nHost: localhost\r\n\r\n"
    return post("/v1/embeddings", json.dumps({"input": [[1, 2, 3]], "dimensions": -5}).encode())


def attacker(served, counts, stop, seed, n_wanted):
    """Bad requests, each of which must be refused or closed, quickly."""
    chance = random.Random(seed)
    while not stop.is_set() or counts.values["bad"] < n_wanted:
        try:
            with connect(served) as client:
                client.sendall(bad_requests(chance))
                client.shutdown(socket.SHUT_WR)
                answer = client.recv(4096)
                if answer.startswith(b"HTTP/1.1 2"):
                    counts.failures.append(("bad request accepted", answer[:200]))
        except TimeoutError:
            counts.add("unanswered_bad")
        except OSError:
            pass  # reset: refused as well
        counts.add("bad")
        time.sleep(0.002)


def bench():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--bad", type=int, default=10000)
    parser.add_argument("--model", default=DATA / "models/stories260K.gguf",
                        help="a small language model; without it only documents answer")
    options = parser.parse_args()
    has_model = pathlib.Path(options.model).exists()
    name = pathlib.Path(options.model).stem if has_model else ""
    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder, "store")
        run("index", ROOT / "examples/handbook", store=store)
        flags = ["--model", options.model] if has_model else []
        with Served(store, *flags) as served:
            alone = ask_all(served, QUESTIONS * 10, 2, {"use_cache": False, "max_tokens": 24})
            capacity = 2 * len(alone) / sum(alone)
            pause_s = 4 / max(0.8 * capacity, 1)
            counts, stop, threads = Counts(), threading.Event(), []
            for seed in range(4):
                threads.append(threading.Thread(target=asker, args=(served, counts, stop, pause_s, seed, name)))
            for seed in range(2):
                threads.append(threading.Thread(target=vanisher, args=(served, counts, stop, 100 + seed, name)))
                threads.append(threading.Thread(target=attacker, args=(served, counts, stop, 200 + seed, options.bad)))
            threads.append(threading.Thread(target=half_open, args=(served, counts, stop)))
            for thread in threads:
                thread.start()
            memory, fds = [], []
            started = time.time()
            while time.time() - started < options.seconds:
                time.sleep(1)
                if served.child.poll() is not None:
                    raise BenchError("the server is gone")
                memory.append(served.rss_bytes())
                fds.append(served.n_fds())
            stop.set()
            for thread in threads:
                thread.join()
            time.sleep(12)  # half-open requests have run out of time by then
            settled = served.rss_bytes()
            _, stats = served.request("GET", "/v1/stats")
        if served.child.returncode != 0:
            raise BenchError(f"the server ended with {served.child.returncode}")
    third = sorted(memory[len(memory) // 3: len(memory) // 3 + 30])
    last = sorted(memory[-30:])
    growth = last[len(last) // 2] / third[len(third) // 2]
    values = counts.values
    print(f"  {values}, memory {third[0] / 1e6:.1f} to {last[-1] / 1e6:.1f} MB, settled at {settled / 1e6:.1f}, "
          f"descriptors at most {max(fds)}; server {stats['server']}")
    for failure in counts.failures[:5]:
        print(f"  failure: {failure}")
    rows = [row("questions answered", values["answered"], at_least=1),
            row("questions lost or failed", values["failed"], at_most=0),
            row("bad requests accepted", sum(1 for f in counts.failures if f[0] == "bad request accepted"), at_most=0),
            row("bad requests", values["bad"], at_least=min(options.bad, 10000)),
            row("bad requests without an end in 5 s", values["unanswered_bad"], at_most=0),
            row("memory after a third, to the end", growth, " x", at_most=1.02),
            row("p95 of a question", percentile(counts.ms, 0.95), " ms"),
            row("requests in work at the end", stats["server"]["in_flight"], at_most=1)]
    return report("server_soak", rows)


if __name__ == "__main__":
    main(bench)
