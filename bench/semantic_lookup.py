#!/usr/bin/env python3
"""Lookup in the semantic cache's index: recall first, then time, memory and insertion while searching.

The vectors are made up to lie as embeddings of sentences do (sentence_vectors.h): 4,000 topics in a
space with a power-law spectrum, a cosine of 0.2 between unrelated rows and 0.6 within a topic. Three in
four queries are paraphrases of a row with a cosine of 0.75 to 0.98, one in four is of a topic that
no row has. Plain Gaussian vectors, which have no neighbours, are shown beside them. One thread; time
of a lookup is that of the thread, so that other programs on the machine do not count, and beside it
that on the clock.

The peer is usearch as npm ships it (bench/peers), on the very same vectors, with the smallest expansion
that reaches our recall; what both find is held against exact comparison of floats. With `--hnswlib` that
library runs in our process, over the same int8 rows: building its graph takes minutes.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import common

BENCH = common.ROOT / "build/bench/bench/bench_semantic_lookup"
PEERS = common.ROOT / "bench/peers"


def run_json(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=PEERS)
    if done.returncode != 0:
        raise common.BenchError(f"{command}: exit {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])


def check(case):
    if case["found_itself"] != 1 or case["live_missed"] != 0:
        raise common.BenchError(f"a row does not find itself: {case}")


def rows_of(name, case, p50_ms, size):
    """A case with its wanted figures."""
    near = [
        common.row(f"{name}: recall at 1", case["recall_1"], at_least=0.98),
        common.row("  recall at 10", case["recall_10"], at_least=0.98),
        common.row(f"  recall above cosine 0.8 ({case['n_near']} rows)", case["recall_near"], at_least=0.98),
        common.row("  recall at 10, queries of no topic", case["stranger_recall_10"]),
    ]
    return near + [
        common.row("  lookup, p50 of thread time", case["cpu_p50_ms"], " ms", at_most=p50_ms),
        common.row("  lookup, p50 on the clock", case["p50_ms"], " ms"),
        common.row("  lookup, p99 on the clock", case["p99_ms"], " ms"),
        common.row("  reading the sketches alone, p50", case["read_p50_ms"], " ms"),
        common.row("  lookup over reading", case["p50_ms"] / case["read_p50_ms"], "x"),
        common.row("  comparing all rows, p50", case["exact_p50_ms"], " ms"),
        common.row("  process, peak", case["rss_bytes"] / 1e6, " MB", at_most=size / 1e6),
        common.row("  insertion, alone", case["rows"] / case["build_s"], "/s"),
        common.row("  insertion, beside a searching thread", case["live_insert_per_s"], "/s", at_least=2000),
        common.row("  lookup of that thread, p50", case["live_search_p50_ms"], " ms"),
    ]


def gaussian_rows(case):
    return [
        common.row("plain Gaussian, same size: recall at 1", case["recall_1"], at_least=0.98),
        common.row(f"  recall above cosine 0.8 ({case['n_near']} rows)", case["recall_near"], at_least=0.98),
        common.row("  recall at 10 (nine of which are not near)", case["recall_10"]),
        common.row("  lookup, p50 of thread time", case["cpu_p50_ms"], " ms"),
    ]


def peer_rows(ours, peer):
    name = f"usearch {peer['quantization']}, expansion {peer['expansion']}"
    return [
        common.row(f"{name}: recall at 10", peer["recall"]),
        common.row("  lookup, p50", peer["p50_ms"], " ms"),
        common.row("  its lookup over ours", peer["p50_ms"] / ours["p50_ms"], "x"),
        common.row("  its build over ours", peer["build_s"] / ours["build_s"], "x"),
        common.row("  our insertions over its", ours["live_insert_per_s"] / peer["insert_per_s"], "x"),
    ]


def graph_rows(ours):
    return [
        common.row("hnswlib in process: recall at 10", ours["graph_recall_10"]),
        common.row("  lookup, p50", ours["graph_p50_ms"], " ms"),
        common.row("  its lookup over ours", ours["graph_p50_ms"] / ours["p50_ms"], "x"),
        common.row("  its build over ours", ours["graph_build_s"] / ours["build_s"], "x"),
    ]


def compared(n_rows, dimension, hnswlib):
    """Our case on a set that is kept for the peers, and what they do with it."""
    with tempfile.TemporaryDirectory() as folder:
        ours = run_json([BENCH, n_rows, dimension, "clustered", folder] + ["hnswlib"] * hnswlib)
        check(ours)
        rows = [common.row("recall at 10 against floats", ours["float_recall_10"], at_least=0.98)]
        rows += graph_rows(ours) if hnswlib else []
        peers = []
        if shutil.which("node") and shutil.which("npm"):
            subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], cwd=PEERS, check=False)
        if (PEERS / "node_modules/usearch").is_dir():
            # Not its int8, with which it was still below our recall at an expansion of 2,048.
            peers.append(run_json(["node", PEERS / "usearch_lookup.mjs", folder, "f32",
                                   ours["float_recall_10"]]))
            rows += peer_rows(ours, peers[-1])
        else:
            print("semantic_lookup: without the peer, npm cannot install it", file=sys.stderr)
    return ours, rows, peers


def bench(hnswlib=False):
    if not BENCH.exists():
        print("semantic_lookup: skipped, build it with scripts/build.sh bench bench_semantic_lookup")
        return True
    small, against, peers = compared(100_000, 1_024, hnswlib)
    large = run_json([BENCH, 1_000_000, 384, "clustered"])
    gaussian = run_json([BENCH, 100_000, 1_024, "gaussian"])
    check(large)
    check(gaussian)
    return common.report(
        "semantic lookup",
        rows_of("100,000 x 1,024", small, 1.0, 1.2e9) + against
        + rows_of("1,000,000 x 384", large, 3.0, 1.2e9) + gaussian_rows(gaussian),
        {"cases": [small, large, gaussian], "peers": peers})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--hnswlib", action="store_true")
    parser.add_argument("--binary", type=pathlib.Path, default=BENCH)
    arguments = parser.parse_args()
    BENCH = arguments.binary.resolve()
    common.main(lambda: bench(arguments.hnswlib))
