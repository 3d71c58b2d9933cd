#!/usr/bin/env python3
"""docmind quantize against llama.cpp's own quantizer, in turn, on the same files and threads.

First what comes out: the types of all tensors must be the same, and what each file loses against its source is
measured by the same program on the same text. Then the time, medians over the rounds. Models of random weights are
written once, to DOCMIND_BENCH_MODELS (default: .cache/models in the project); stories260K is read from DOCMIND_DATA.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from common import DATA, DOCMIND, ENVIRONMENT, ROOT, BenchError, main, median, report, row
from model_files import model_file

FOLDER = os.environ.get("DOCMIND_BENCH_MODELS", str(ROOT / ".cache/models"))
PEER = ROOT / "bench/peers/llama_quantize.py"
LARGE, STRUCTURED = "qwen3-0.6b-f16", "hot-keys-f32"
SPEED_TYPES = ("q4_k_m", "q8_0", "q4_0", "q5_k_m", "q6_k")
THREADS = 2


def call(command):
    done = subprocess.run(list(map(str, command)), env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise BenchError(f"{' '.join(map(str, command))}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def ours(source, out, kind, *more):
    started = time.perf_counter()
    call([DOCMIND, "quantize", source, out, "--type", kind, "--threads", THREADS, "--overwrite", *more])
    return time.perf_counter() - started


def theirs(source, out, kind):
    return json.loads(call([sys.executable, PEER, source, out, kind, THREADS]))["seconds"]


def tensor_types(path):
    shown = json.loads(call([DOCMIND, "models", "show", path, "--json"]))
    return sorted((one["type"], one["tensors"]) for one in shown["tensor_types"])


def quality(source, smaller, text):
    return json.loads(call([DOCMIND, "quantize", source, smaller, "--measure", "--json", "--text", text]))


def compare_quality(folder, source, text, kinds):
    """KLD of our file over that of llama.cpp's, at equal bits."""
    rows = []
    for kind in kinds:
        mine, other = folder / "mine.gguf", folder / "other.gguf"
        ours(source, mine, kind, "--no-quality")
        theirs(source, other, kind)
        same = tensor_types(mine) == tensor_types(other)
        a, b = quality(source, mine, text), quality(source, other, text)
        name = f"{pathlib.Path(source).stem} {kind}"
        rows.append(row(f"{name}: mean KLD, of llama.cpp's", a["mean_kld"] / b["mean_kld"],
                        at_most=1.02 if same else None))
        print(f"  {name:<34} KLD {a['mean_kld']:.6f} (llama.cpp {b['mean_kld']:.6f}), same top {a['same_top']:.4f} "
              f"({b['same_top']:.4f}), perplexity {a['perplexity_ratio']:.4f} ({b['perplexity_ratio']:.4f}), "
              f"{mine.stat().st_size:,} bytes ({other.stat().st_size:,})" + ("" if same else ", other types"))
    return rows


def calibration(folder, source, learn, text, kinds):
    rows = []
    for kind in kinds:
        plain, weighted = folder / "plain.gguf", folder / "weighted.gguf"
        ours(source, plain, kind, "--no-quality")
        ours(source, weighted, kind, "--no-quality", "--calibrate", learn)
        a, b = quality(source, weighted, text), quality(source, plain, text)
        rows.append(row(f"{pathlib.Path(source).stem} {kind}: mean KLD with calibration, of that without",
                        a["mean_kld"] / b["mean_kld"], at_most=0.98))
    return rows


def speed(folder, source, n_rounds, kinds):
    rows = []
    megabytes = pathlib.Path(source).stat().st_size / 1e6
    out = folder / "out.gguf"
    pathlib.Path(source).read_bytes()  # both read it from memory
    for kind in kinds:
        mine, other = [], []
        for _ in range(n_rounds):
            mine.append(ours(source, out, kind, "--no-quality"))
            other.append(theirs(source, out, kind))
        rate, peer = megabytes / median(mine), megabytes / median(other)
        rows.append(row(f"{kind}: input read on {THREADS} threads", rate, " MB/s",
                        at_least=100 if kind == "q4_k_m" else None))
        rows.append(row(f"{kind}: llama.cpp", peer, " MB/s"))
        rows.append(row(f"{kind}: times as fast", rate / peer, "x", at_least=1.0))
    return rows


def parts(text, folder):
    """Two halves of a text: one to calibrate with, one to measure with."""
    words = text.read_text(encoding="utf-8")
    middle = words.find("\n", len(words) // 2)
    learn, test = folder / "learn.txt", folder / "test.txt"
    learn.write_text(words[:middle], encoding="utf-8")
    test.write_text(words[middle:], encoding="utf-8")
    return learn, test


def bench():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--types", default=",".join(SPEED_TYPES), help="whose speed is measured")
    parser.add_argument("--quality-only", action="store_true")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="docmind-quantize-", dir=os.environ.get("TMPDIR")) as name:
        folder = pathlib.Path(name)
        learn, test = parts(ROOT / "src/quantize/sample_text.txt", folder)
        stories = DATA / "models/stories260K.gguf"
        structured = model_file(FOLDER, STRUCTURED)
        if stories.exists():
            rows += compare_quality(folder, stories, test, ("q8_0", "q4_0"))
            rows += calibration(folder, stories, learn, test, ("q4_0",))
        rows += compare_quality(folder, structured, test, ("q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_k_s", "q4_0"))
        if not arguments.quality_only:
            rows += speed(folder, model_file(FOLDER, LARGE), arguments.rounds, arguments.types.split(","))
    return report("quantize", rows)


if __name__ == "__main__":
    main(bench)
