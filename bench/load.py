#!/usr/bin/env python3
"""The server under load, on loopback: cached answers, idle connections, concurrent questions, indexing beside them.

The load comes from this machine too; its share of the processors is stated beside each figure.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

from common import DATA, BenchError, ROOT, machine, main, median, percentile, report, row, run
from model_files import model_file
from model_speed import FOLDER
from served import Served

GENERATOR = os.environ.get("DOCMIND_OPEN_LOOP", str(ROOT / "build/bench/bench/bench_open_loop"))
QUESTION = "How does DocMind find changed files?"
QUESTIONS = ["How does DocMind find changed files?", "Does my data leave my computer?",
             "How many bytes does a token need in the KV cache?", "Which formats can be indexed?",
             "How is a cached answer checked?", "What does the controller adapt?",
             "How are citations verified?", "What is a block table?"]


def generate(served, body, *flags):
    """One run of the load generator; its report."""
    done = subprocess.run([GENERATOR, "--port", str(served.port), "--path", "/v1/rag/query", "--body", str(body),
                           *map(str, flags)], capture_output=True, text=True)
    if done.returncode not in (0, 2):
        raise BenchError(f"load generator: {done.stderr}")
    return json.loads(done.stdout)


def cached_answers(store, rounds):
    with tempfile.TemporaryDirectory() as folder, Served(store) as served:
        body = pathlib.Path(folder, "body.json")
        body.write_text(json.dumps({"question": QUESTION}))
        first = served.request("POST", "/v1/rag/query", {"question": QUESTION})[1]
        again = served.request("POST", "/v1/rag/query", {"question": QUESTION})[1]
        if again["cache"] != "memory" or again["answer"] != first["answer"] or not first["citations"]:
            raise BenchError(f"the repeat is not the cached answer: {again['cache']}")
        generate(served, body, "--seconds", 1)
        closed = [generate(served, body, "--seconds", 4, "--connections", 64) for _ in range(rounds)]
        opened = [generate(served, body, "--seconds", 4, "--connections", 128, "--rate", 5000) for _ in range(rounds)]
        before = served.rss_bytes()
        held = served.idle_connections(1000)
        time.sleep(0.5)
        idle = served.rss_bytes() - before
        for connection in held:
            connection.close()
    failed = sum(one["failed"] for one in closed + opened)
    rate = median([one["per_s"] for one in closed])
    print(f"  the generator took {median([one['cpu_share'] for one in closed]):.2f} of the 2 processors at full speed, "
          f"{median([one['cpu_share'] for one in opened]):.2f} at 5,000/s")
    return [row("cached answers a second, 64 connections", rate, at_least=10000),
            row("of these, p99", median([one["p99_ms"] for one in closed]), " ms"),
            row("p50 at 5,000/s, from when each was due", median([one["p50_ms"] for one in opened]), " ms"),
            row("p99 at 5,000/s, from when each was due", median([one["p99_ms"] for one in opened]), " ms", at_most=5),
            row("failed requests", failed, at_most=0),
            row("1,000 idle connections, memory", idle / 1e6, " MB", at_most=30)]


def ask_all(served, questions, n_threads, options):
    """Latencies of the questions, asked by so many threads; failures are errors."""
    times, failures, place = [], [], iter(questions)
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                question = next(place, None)
            if question is None:
                return
            started = time.perf_counter()
            status, answer = served.request("POST", "/v1/rag/query", {"question": question, **options}, timeout=600)
            with lock:
                times.append(time.perf_counter() - started)
                if status != 200:
                    failures.append(answer)

    threads = [threading.Thread(target=work) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise BenchError(f"{len(failures)} questions failed: {failures[0]}")
    return times


def concurrent(store, name, flags, n_tokens, n_questions):
    """Five at a time against one at a time: the theoretical share is five times one's work on the same machine."""
    options = {"max_tokens": n_tokens, "use_cache": False}
    with Served(store, *flags) as served:
        ask_all(served, QUESTIONS[:2], 1, options)
        alone = ask_all(served, (QUESTIONS * 9)[:n_questions], 1, options)
        five = ask_all(served, (QUESTIONS * 9)[:n_questions], 5, options)
    share = 5 * statistics.mean(alone)
    return [row(f"{name}: one at a time, mean", statistics.mean(alone) * 1000, " ms"),
            row(f"{name}: five at a time, mean", statistics.mean(five) * 1000, " ms"),
            row(f"{name}: five at a time, p95 of five times one", percentile(five, 0.95) / share, " x", at_most=1.5)]


def pages(folder, n):
    """Pages of text with words of their own, about 3 kB each."""
    words = pathlib.Path(ROOT, "examples/handbook/asking.md").read_text().split()
    chance = random.Random(1)
    for i in range(n):
        text = " ".join(chance.choice(words) + (f"{i}" if chance.random() < 0.05 else "") for _ in range(450))
        pathlib.Path(folder, f"page{i}.txt").write_text(f"Page {i}\n\n{text}\n")


def questions_while(served, until, options):
    times = []
    while not until():
        times += ask_all(served, QUESTIONS, 1, options)
    return times


def indexing_beside(store, rounds):
    """Questions while 1,000 pages are indexed, against the same number without."""
    ratios, quiet_ms, busy_ms = [], [], []
    options = {"use_cache": False}
    for i in range(rounds):
        own = pathlib.Path(str(store) + f"-{i}")
        shutil.copytree(store, own)
        with tempfile.TemporaryDirectory() as folder:
            pages(folder, 1000)
            run("index", folder, store=own)  # the root becomes known ...
            pages_changed(folder)            # ... and every page is another one then
            with Served(own) as served:
                ask_all(served, QUESTIONS * 4, 1, options)
                rounds_left = iter(range(40))
                # The same calls as below, so that only the indexing differs.
                quiet = questions_while(served, lambda: running(served) or next(rounds_left, None) is None, options)
                served.request("POST", "/v1/index", {})
                busy = questions_while(served, lambda: not running(served), options)
                job = served.wait_indexed()
                if job["report"]["updated"] < 1000:
                    raise BenchError(f"not every page was indexed: {job['report']}")
        shutil.rmtree(own)
        quiet_ms.append(statistics.mean(quiet) * 1000)
        busy_ms.append(statistics.mean(busy) * 1000)
        ratios.append(statistics.mean(busy) / statistics.mean(quiet))
    return [row("a question alone, mean", median(quiet_ms), " ms"),
            row("while 1,000 pages are indexed, mean", median(busy_ms), " ms"),
            row("slower by", median(ratios), " x", at_most=1.2)]


def running(served):
    job = served.request("GET", "/v1/index")[1]
    return job["running"] or job["queued"]


def pages_changed(folder):
    for path in pathlib.Path(folder).iterdir():
        path.write_text(path.read_text() + "\nOnce more.\n")


def bench():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", choices=["cached", "concurrent", "indexing"], action="append")
    parser.add_argument("--model", default=DATA / "models/stories260K.gguf",
                        help="a small language model for the concurrent questions; skipped where it is not there")
    options = parser.parse_args()
    parts = options.part or ["cached", "concurrent", "indexing"]
    print(f"{machine()['cpu']}")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder, "store")
        run("index", ROOT / "examples/handbook", store=store)
        if "cached" in parts:
            rows += cached_answers(store, options.rounds)
        if "concurrent" in parts:
            rows += concurrent(store, "extracted", [], 64, 64)
            if pathlib.Path(options.model).exists():
                rows += concurrent(store, "stories260K", ["--model", options.model], 32, 40)
            big = model_file(pathlib.Path(FOLDER), "qwen3-0.6b-q8_0")
            rows += concurrent(store, "Qwen3-0.6B's dimensions", ["--model", big], 32, 15)
        if "indexing" in parts:
            rows += indexing_beside(store, options.rounds)
    return report("load", rows)


if __name__ == "__main__":
    main(bench)
