#!/usr/bin/env python3
"""Several texts at once: ours against llama.cpp (node-llama-cpp's binary), in turn, on the same file and threads.

Streams of 64-token prompts and 32 generated tokens each; then what a prompt of 2,048 tokens does to running
streams. Medians over the rounds, lowest and highest in brackets.
"""
import argparse
import pathlib

from common import DOCMIND, machine, main, median, report, row
from model_files import QWEN3_06B, model_file
from model_speed import FOLDER, Oracle, call, spread

MODEL = "qwen3-0.6b-q8_0"
PROMPT, GENERATE = 64, 32


def theirs(oracle, n_streams, threads):
    return oracle.ask(op="rates", kind="streams", n=PROMPT, n_streams=n_streams, n_generate=GENERATE,
                      n_vocab=QWEN3_06B["vocab"], rounds=1, threads=threads)["rates"]


def ours(path, n_streams, threads, admit):
    return call([DOCMIND, "bench", "streams", path, "--json", "--streams", n_streams, "--prompt", PROMPT, "--generate",
                 GENERATE, "--admit", admit, "--runs", 2, "--threads", threads])


def bench():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    path = model_file(pathlib.Path(FOLDER), MODEL)
    oracle = Oracle()
    oracle.ask(op="load", model=str(path))
    one, all_of, peer_one, peer_all, gaps, first = [], [], [], [], [], []
    for i in range(options.rounds):
        answer = ours(path, options.streams, options.threads, 2048)
        one.append(answer["single_tps"])
        all_of.append(answer["total_tps"])
        gaps.append(answer["gap_p95_admitting_ms"] / answer["gap_p95_ms"])
        first.append(answer["admitted_first_ms"] / answer["admitted_alone_ms"])
        peer_one += theirs(oracle, 1, options.threads)
        peer_all += theirs(oracle, options.streams, options.threads)
    oracle.close()
    print(f"{machine()['cpu']}, {options.threads} threads; tokens/s")
    print(f"  one stream: docmind {spread(one)}, llama.cpp {spread(peer_one)}")
    print(f"  {options.streams} streams: docmind {spread(all_of)}, llama.cpp {spread(peer_all)}")
    rows = [row(f"{options.streams} streams, of llama.cpp's {options.streams}", median(all_of) / median(peer_all), " x", at_least=2.5),
            row(f"{options.streams} streams, of one stream of ours", median(all_of) / median(one), " x", at_least=3.0),
            row("time between tokens, p95, while 2,048 enter", median(gaps), " x", at_most=2.0),
            row("first token of these 2,048, of alone", median(first), " x")]
    return report("streams", rows, {"single": one, "total": all_of, "llama.cpp": {"single": peer_one, "total": peer_all}})


if __name__ == "__main__":
    main(bench)
