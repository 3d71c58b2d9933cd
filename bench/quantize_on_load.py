#!/usr/bin/env python3
"""A model file in F16, loaded as it is and with its weights quantized on load, in turn on the same threads.

What the three compute is compared before anything is measured. Ratios are of the best of the rounds: decoding is
bound by the reading speed, which on shared machines differs by half from one process to the next; the lowest and the
highest are printed as well. The peak of memory is that of the process when the model was loaded, the worst of the
rounds. The file of random weights (1.2 GB) is written once, to DOCMIND_BENCH_MODELS (default: .cache/models in the
project).
"""
import argparse
import pathlib

from common import DOCMIND, BenchError, machine, main, report, row
from model_files import QWEN3_06B, model_file
from model_speed import FOLDER, VALUES, call, divergence

MODEL = "qwen3-0.6b-f16"
WAYS = ("none", "int8", "int4")
# Random weights of such depth amplify what rounding does, so these are wide; the tests have the narrow bounds.
MOST_APART = {"int8": 0.1, "int4": 2.0}
# Of the rate in F16. The bytes that a token reads would allow 1.9 and 2.7 for decoding.
LEAST = {"int8": {"decode_tps": 1.4, "prefill_tps": 1.5}, "int4": {"decode_tps": 1.8, "prefill_tps": 1.5}}
MOST_MEMORY = {"int8": 0.8, "int4": 0.6}  # of the file's size
BEST = {"load_ms": min, "prefill_tps": max, "decode_tps": max, "loaded_rss_bytes": max}  # of memory the worst
FIGURES = {"load_ms": "load, ms", "prefill_tps": "prompt of 512, tokens/s", "decode_tps": "32 tokens after, tokens/s",
           "loaded_rss_bytes": "peak while loading, bytes"}


def check(path):
    """How far the quantized models are from the file; an error when they are too far, or not changed at all."""
    tokens = [300 + i * 7919 % (QWEN3_06B["vocab"] - 600) for i in range(64)]
    logits = {way: call([VALUES, path, "auto", *([] if way == "none" else [way]), *tokens])["logits"] for way in WAYS}
    apart = {way: divergence(logits["none"], logits[way]) for way in WAYS[1:]}
    for way, kl in apart.items():
        if not 0 < kl <= MOST_APART[way]:
            raise BenchError(f"{way}: KL {kl:.3g} from F16; more than 0 and at most {MOST_APART[way]} is right")
    return apart


def measure(path, way, threads, runs):
    answer = call([DOCMIND, "bench", "model", path, "--json", "--threads", threads, "--runs", runs,
                   "--quantize-on-load", way])
    if answer["quantized_on_load"] != ("" if way == "none" else way):
        raise BenchError(f"{way} was asked for, but the weights are '{answer['quantized_on_load']}'")
    return {key: answer[key] for key in FIGURES}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=2, help="measured runs a round, after one that is not")
    return parser.parse_args()


def bench():
    options = arguments()
    path = model_file(pathlib.Path(FOLDER), MODEL)
    apart = check(path)
    print(f"{machine()['cpu']}; {MODEL}, {options.threads} threads; KL from F16: "
          + ", ".join(f"{way} {kl:.2g}" for way, kl in apart.items()))
    measured = {way: {key: [] for key in FIGURES} for way in WAYS}
    for _ in range(options.rounds):
        for way in WAYS:
            for key, value in measure(path, way, options.threads, options.runs).items():
                measured[way][key].append(value)
    best = {way: {key: BEST[key](values) for key, values in figures.items()} for way, figures in measured.items()}
    print(f"  {'':<28}" + "".join(f"{way:<46}" for way in WAYS))
    for key, name in FIGURES.items():
        print(f"  {name:<28}" + "".join(f"{spread(best[way][key], measured[way][key]):<46}" for way in WAYS))
    return report("quantize on load", rows_of(best, path.stat().st_size), {"apart": apart, "figures": measured})


def spread(best, values):
    return f"{best:,.0f} ({min(values):,.0f}-{max(values):,.0f})"


def rows_of(best, file_bytes):
    rows = []
    for way in WAYS[1:]:
        for key, name in (("decode_tps", "decoding"), ("prefill_tps", "prompt"), ("load_ms", "loading")):
            rows.append(row(f"{way}: {name}, of F16", best[way][key] / best["none"][key], " x",
                            at_least=LEAST[way].get(key)))
        rows.append(row(f"{way}: peak while loading, of the file", best[way]["loaded_rss_bytes"] / file_bytes,
                        at_most=MOST_MEMORY[way]))
    return rows


if __name__ == "__main__":
    main(bench)
