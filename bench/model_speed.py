#!/usr/bin/env python3
"""The native engine against llama.cpp (node-llama-cpp's binary), in turn, on the same files and threads.

Results are compared before anything is measured. Rates are medians over the rounds, with the lowest and
the highest; "of limit" is the share of this machine's int8 rate (prompts, encoders) or reading speed
(decoding), measured in the same run. Models of random weights are written once, 2.6 GB in all, to
DOCMIND_BENCH_MODELS (default: .cache/models in the project).
"""
import argparse
import dataclasses
import json
import math
import os
import pathlib
import subprocess

from common import DOCMIND, ENVIRONMENT, ROOT, BenchError, machine, main, median, report, row
from model_files import BGE_M3, QWEN3_06B, model_file

FOLDER = os.environ.get("DOCMIND_BENCH_MODELS", str(ROOT / ".cache/models"))
VALUES = os.environ.get("DOCMIND_MODEL_VALUES", str(ROOT / "build/bench/bench/bench_model_values"))
ORACLE = ROOT / "tests/parity/oracle/oracle.mjs"
AVX2_AT_LEAST = 1.2


@dataclasses.dataclass(frozen=True, eq=False)
class Work:
    name: str
    key: str           # of `docmind bench model --json`
    share: str         # of the machine's limit, likewise
    request: dict      # of the oracle
    unit_tokens: int = 1  # tokens in what `key` counts


PREFILL = Work("prompt of 512", "prefill_tps", "prefill_of_limit", {"kind": "prefill", "n": 512})
LONG = Work("prompt of 4,096", "prefill_4096_tps", "prefill_4096_of_limit", {"kind": "prefill", "n": 4096})
DECODE = Work("32 tokens after 512", "decode_tps", "decode_of_limit", {"kind": "decode", "n": 32, "after": 512})
EMBED = Work("text of 512", "embed_tps", "embed_of_limit", {"kind": "encode", "n": 512, "n_texts": 1})
BATCH = Work("8 texts of 64", "embed_batch_tps", "embed_batch_of_limit",
             {"kind": "encode", "n": 64, "n_texts": 8, "together": True})
RERANK = Work("16 pairs of 256", "rerank_pairs_per_s", "rerank_of_limit",
              {"kind": "encode", "n": 256, "n_texts": 16, "ranking": True}, unit_tokens=256)

# model: works with the least ratio to llama.cpp, on AVX-512 VNNI and two threads
DECODER_WORKS = {
    "qwen3-0.6b-q8_0": {PREFILL: 3.0, DECODE: 1.7, LONG: None},
    "qwen3-0.6b-q4_k": {PREFILL: 2.2, DECODE: 2.2, LONG: None},
    "qwen3-0.6b-q4_k_m": {PREFILL: None, DECODE: None, LONG: None},
}
ENCODER_WORKS = {"bge-m3-q8_0": {EMBED: 3.3, BATCH: 3.3}, "bge-reranker-v2-m3-q8_0": {RERANK: 3.3}}
WORKS = {**DECODER_WORKS, **ENCODER_WORKS}
LONG_KEEPS = 0.65  # of the rate at 512 tokens


class Oracle:
    """llama.cpp behind lines of JSON; see oracle.mjs."""

    def __init__(self):
        self.process = subprocess.Popen(["node", str(ORACLE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("{"):
                answer = json.loads(line)
                if "error" in answer:
                    raise BenchError(f"oracle: {answer['error']}")
                return answer
        raise BenchError("the oracle ended; is Node.js there, and did 'scripts/setup.sh bench' run?")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def vocabulary(model):
    return (QWEN3_06B if model in DECODER_WORKS else BGE_M3)["vocab"]


def call(command):
    try:
        done = subprocess.run(list(map(str, command)), env=ENVIRONMENT, capture_output=True, text=True)
    except FileNotFoundError:
        raise BenchError(f"'{command[0]}' is missing; bench/run.sh builds it") from None
    if done.returncode != 0:
        raise BenchError(f"{' '.join(map(str, command[:4]))}: exit {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def divergence(theirs, ours):
    """KL of softmax(ours) from softmax(theirs)."""
    def log_softmax(logits):
        largest = max(logits)
        total = math.log(math.fsum(math.exp(x - largest) for x in logits)) + largest
        return [x - total for x in logits]
    return math.fsum(math.exp(p) * (p - q) for p, q in zip(log_softmax(theirs), log_softmax(ours)))


def cosine(a, b):
    return math.fsum(x * y for x, y in zip(a, b)) / math.hypot(*a) / math.hypot(*b)


def check(oracle, model, path, isa):
    """Same results on 64 tokens; returns how far they are apart. Random weights of such depth amplify
    the rounding of activations, hence the width; tests/parity is the narrow comparison."""
    tokens = [300 + i * 7919 % (vocabulary(model) - 600) for i in range(64)]
    ours = call([VALUES, path, isa, *tokens])
    if "logits" in ours:
        theirs = oracle.ask(op="logits", tokens=tokens, positions=[63], threads=2)["rows"][0]
        apart, most, what = divergence(theirs, ours["logits"]), 0.1, "KL"
    elif "vector" in ours:
        theirs = oracle.ask(op="embed", tokens=tokens, threads=2)["vector"]
        apart, most, what = 1 - cosine(theirs, ours["vector"]), 0.01, "1 - cosine"
    else:
        theirs = oracle.ask(op="rank", tokens=tokens, threads=2)["score"]
        apart, most, what = abs(theirs - ours["score"]), 0.1, "difference of scores"
    if not apart <= most:
        raise BenchError(f"{model}, {isa}: {what} {apart:.3g} from llama.cpp, at most {most} is expected")
    return f"{what} {apart:.2g}"


def measure_ours(path, works, threads, isa, runs):
    flags = ["--json", "--threads", threads, "--isa", isa, "--runs", runs] + (["--long"] if LONG in works else [])
    answer = call([DOCMIND, "bench", "model", path, *flags])
    return {work: (answer[work.key] * work.unit_tokens, answer[work.share]) for work in works}, answer


def measure_theirs(oracle, model, works, threads, runs):
    rates = {}
    for work in works:
        n_runs = 1 if work in (LONG, RERANK) else runs
        rates[work] = oracle.ask(op="rates", n_vocab=vocabulary(model), threads=threads, rounds=n_runs, **work.request)["rates"]
    return rates


def compare(oracle, model, path, works, threads, rounds, runs):
    """Rates of both sides by work, alternating; ours at its best and with AVX2 forced."""
    ours, avx2, theirs, limits = {}, {}, {}, {}
    for i in range(rounds):
        # Prompts of 4,096 tokens take llama.cpp half a minute: in the first round only.
        now = [work for work in works if work != LONG or i == 0]
        mine, answer = measure_ours(path, now, threads, "auto", runs)
        forced, _ = measure_ours(path, now, threads, "avx2", runs)
        for work, rates in measure_theirs(oracle, model, now, threads, runs).items():
            theirs.setdefault(work, []).extend(rates)
            ours.setdefault(work, []).append(mine[work][0])
            avx2.setdefault(work, []).append(forced[work][0])
            limits.setdefault(work, []).append(mine[work][1])
    return ours, avx2, theirs, limits, answer


def spread(rates):
    return f"{median(rates):7.1f} ({min(rates):.0f}-{max(rates):.0f})"


def rows_of(model, works, threads, measured):
    """Prints what was measured; returns the rows of the summary."""
    ours, avx2, theirs, limits, answer = measured
    strict = threads > 1 and answer["isa"].startswith("avx512")
    rows = []
    for work, least in works.items():
        peer = median(theirs[work])
        print(f"  {model:<24} {work.name:<20} {threads}  {spread(ours[work]):<22} {spread(avx2[work]):<22} "
              f"{spread(theirs[work]):<22} {100 * median(limits[work]):5.1f}%")
        name = f"{model}, {work.name}, {threads} thread{'s' if threads > 1 else ''}"
        rows.append(row(name, median(ours[work]) / peer, " x", at_least=least if strict else None))
        rows.append(row(f"{name}, AVX2", median(avx2[work]) / peer, " x",
                        at_least=AVX2_AT_LEAST if threads > 1 else None))
    if LONG in works:
        rows.append(row(f"{model}, 4,096 of 512, {threads} thread{'s' if threads > 1 else ''}",
                        median(ours[LONG]) / median(ours[PREFILL]), "", at_least=LONG_KEEPS))
    return rows


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=WORKS, default=list(WORKS))
    parser.add_argument("--threads", nargs="+", type=int, default=[2, 1])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=2, help="measured runs a round, after one that is not")
    return parser.parse_args()


def bench():
    options = arguments()
    rows, details = [], []
    oracle = Oracle()
    system = oracle.ask(op="system")
    print(f"{machine()['cpu']}; llama.cpp of {system['package']}, its '{system['backend']}' library")
    print(f"  {'model':<24} {'work':<20} T  {'docmind tokens/s':<22} {'with AVX2':<22} {'llama.cpp':<22} of limit")
    for model in options.models:
        path = model_file(pathlib.Path(FOLDER), model)
        oracle.ask(op="load", model=str(path))
        apart = {isa: check(oracle, model, path, isa) for isa in ("auto", "avx2")}
        for threads in options.threads:
            measured = compare(oracle, model, path, list(WORKS[model]), threads, options.rounds, options.runs)
            rows += rows_of(model, WORKS[model], threads, measured)
            ours, avx2, theirs, limits, answer = measured
            details.append({"model": model, "threads": threads, "apart": apart, "docmind": answer,
                            "rates": {work.name: {"docmind": ours[work], "avx2": avx2[work], "llama.cpp": theirs[work]}
                                      for work in ours}})
    oracle.close()
    return report("models", rows, {"llama.cpp": system, "details": details})


if __name__ == "__main__":
    main(bench)
