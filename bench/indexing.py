#!/usr/bin/env python3
"""Indexing and asking over the PostgreSQL manual (Debian package postgresql-doc-15), 1,100 pages.

Checked first: every page is in the store, a second run finds nothing to do, the database is sound,
and known questions are answered. Then wall time of whole commands, time within the process, and
peak memory. Where Debian's recoll (a desktop full-text indexer on Xapian) is installed, it reads the
same folder in turn with ours.
"""
import json
import pathlib
import shutil
import sqlite3
import tempfile

import common

MANUAL = pathlib.Path("/usr/share/doc/postgresql-doc-15/html")
RUNS = 5
MIB = 1 << 20


def check(store):
    n_pages = len([p for p in MANUAL.rglob("*.html") if p.is_file()])
    summary = json.loads(common.run("index", "--json", MANUAL, store=store))
    if summary["store"]["documents"] != n_pages or summary["unchanged"] != n_pages:
        raise common.BenchError(f"{n_pages} pages, but the store says {summary}")
    db = sqlite3.connect(f"file:{store}/docmind.db?mode=ro", uri=True)
    sound = db.execute("PRAGMA integrity_check").fetchone()[0]
    if sound != "ok":
        raise common.BenchError(f"the store is damaged: {sound}")
    answer = json.loads(common.run("ask", "--json", "What does wal_level control?", store=store))
    if "how much information is written to the WAL" not in answer["answer"]:
        raise common.BenchError(f"wrong answer: {answer['answer']}")
    return n_pages


def recoll_command(folder):
    """recollindex over the same folder with its own fresh index, or None where it is missing."""
    if shutil.which("recollindex") is None:
        return None
    config = folder / "recoll"
    shutil.rmtree(config, ignore_errors=True)
    config.mkdir()
    (config / "recoll.conf").write_text(f"topdirs = {MANUAL}\n")
    return ["recollindex", "-c", config, "-z"]


def time_indexing(folder):
    """Fresh runs, ours and recoll's in turn; returns lists of (seconds, peak bytes)."""
    ours, recoll = [], []
    for _ in range(RUNS):
        store = folder / "fresh"
        shutil.rmtree(store, ignore_errors=True)
        ours.append(common.measure([common.DOCMIND, "--store", store, "index", MANUAL]))
        command = recoll_command(folder)
        if command:
            recoll.append(common.measure(command))
    return ours, recoll


def time_asking(store, questions):
    """Milliseconds in the process after start, fresh and cached, and whole commands."""
    text = "\n".join(questions) + "\n"
    lines = common.run("ask", "--json", "--no-cache", store=store, stdin=text).splitlines()
    fresh = [json.loads(line)["total_ms"] for line in lines]
    common.run("ask", "--json", store=store, stdin=text)
    answers = [json.loads(line) for line in
               common.run("ask", "--json", store=store, stdin=text).splitlines()]
    uncached = [answer["question"] for answer in answers if answer["cache"] not in ("disk", "memory")]
    if uncached:
        raise common.BenchError(f"asked twice, but not from the cache: {uncached}")
    cached = [answer["total_ms"] for answer in answers]
    whole = [common.measure([common.DOCMIND, "--store", store, "ask", "--no-cache", question])[0] * 1000
             for question in questions]
    return fresh, cached, whole


def bench():
    if not MANUAL.is_dir():
        print("indexing: skipped, install postgresql-doc-15 (scripts/setup.sh bench)")
        return True
    questions = [line.split("\t")[0] for line in
                 (common.ROOT / "bench/questions/postgresql.tsv").read_text().splitlines()]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        ours, recoll = time_indexing(folder)
        store = folder / "fresh"
        n_pages = check(store)
        again = [common.measure([common.DOCMIND, "--store", store, "index", MANUAL])[0]
                 for _ in range(RUNS)]
        fresh, cached, whole = time_asking(store, questions)
    seconds = common.median([run[0] for run in ours])
    rows = [
        common.row(f"index {n_pages} pages, whole command", seconds, " s", at_most=10),
        common.row("  pages a second", n_pages / seconds),
        common.row("  peak memory", max(run[1] for run in ours) / MIB, " MiB", at_most=300),
        common.row("second, unchanged run", common.median(again), " s", at_most=1),
        common.row("ask in process, p50", common.median(fresh[1:]), " ms", at_most=50),
        common.row("ask in process, p95", common.percentile(fresh[1:], 0.95), " ms", at_most=50),
        common.row("ask in process, first question", fresh[0], " ms"),
        common.row("ask repeated, from the disk cache, p50", common.median(cached), " ms"),
        common.row("ask as a whole command, p50", common.median(whole), " ms", at_most=250),
        common.row("ask as a whole command, worst", max(whole), " ms", at_most=250),
    ]
    if recoll:
        theirs = common.median([run[0] for run in recoll])
        rows.append(common.row("recollindex on the same folder", theirs, " s"))
        rows.append(common.row("  ours is faster by", theirs / seconds, "x"))
        rows.append(common.row("  its peak memory", max(run[1] for run in recoll) / MIB, " MiB"))
    return common.report(f"indexing and asking, {MANUAL.parent.name}", rows)


if __name__ == "__main__":
    common.main(bench)
