#!/usr/bin/env python3
"""What the KV formats cost in quality, beside the plain 8 and 4 bit block schemes at equal bytes.

Each text is run with exact keys and values and with every format; the figures are of the next-token
distributions. Texts: the model's own writing, and English prose (the project's handbook). "plain" is the block
scheme of llama.cpp's cache types q8_0 and q4_0 on the very tokens that the formats seal; "all" applies it to
every token, as llama.cpp does. A model of random weights with large channels of keys is also run through
llama.cpp itself, with its q8_0 and q4_0 against its f16.
"""
import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

from common import DATA, ENVIRONMENT, ROOT, BenchError, main, report, row
from model_files import model_file
from model_speed import FOLDER, Oracle, call

QUALITY = os.environ.get("DOCMIND_KV_QUALITY", str(ROOT / "build/bench/bench/bench_kv_quality"))
STORIES = DATA / "models/stories260K.gguf"
# format: most mean KL, least same-top
GATES = {"int8": (0.003, 0.985), "int4": (0.02, 0.96), "mixed": (0.05, 0.94)}
# Ours and the plain scheme of the same bytes.
PEERS = {"int8": "plain q8_0", "int4": "plain q4_0"}


def english():
    """The handbook's prose in one file."""
    folder = ROOT / "examples/handbook"
    text = "\n\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.md")))
    handle, name = tempfile.mkstemp(suffix=".txt")
    os.write(handle, text.encode())
    os.close(handle)
    return name


def measure(model, context, n_texts, text_file):
    answer = call([QUALITY, model, context, n_texts] + ([text_file] if text_file else []))
    return {one["name"]: one for one in answer["variants"]}, answer


def show(title, variants):
    print(f"\n{title}, {next(iter(variants.values()))['tokens']} tokens")
    print(f"  {'variant':<18} {'mean KL':>10} {'worst KL':>10} {'same top':>9} {'perplexity':>11}")
    for name, one in variants.items():
        print(f"  {name:<18} {one['mean_kl']:>10.6f} {one['worst_kl']:>10.5f} {100 * one['same_top']:>8.2f}% "
              f"{one['perplexity_ratio']:>10.5f}x")


def rows_of(title, variants, gates=True):
    """`gates`: of a model of random weights the distributions are too flat for them, as llama.cpp's own loss shows."""
    rows = []
    for name, (most_kl, least_top) in GATES.items() if gates else ():
        one = variants[name]
        rows.append(row(f"{title}, {name}: mean KL", one["mean_kl"], "", at_most=most_kl))
        rows.append(row(f"{title}, {name}: same top", 100 * one["same_top"], "%", at_least=100 * least_top))
    for name, peer in PEERS.items():
        if variants[peer]["mean_kl"] < 1e-6:
            continue  # nothing is sealed in so short a text
        ratio = variants[name]["mean_kl"] / max(variants[peer]["mean_kl"], 1e-12)
        rows.append(row(f"{title}, {name}: KL of that of {peer}", ratio, " x", at_most=1.0))
    return rows


def log_softmax(logits):
    largest = max(logits)
    total = math.log(math.fsum(math.exp(x - largest) for x in logits)) + largest
    return [x - total for x in logits]


def of_llama(oracle, tokens, kind, n_sealed):
    """llama.cpp's own loss with a cache type against its f16, over positions from `n_sealed` on."""
    positions = list(range(n_sealed, len(tokens)))
    ask = lambda kv: oracle.ask(op="logits", tokens=tokens, positions=positions, threads=2, kv=kv, flash=True,
                                tokens_max=len(tokens) + 64)["rows"]
    kl, top = [], 0
    for exact, got in zip(ask("f16"), ask(kind)):
        p, q = log_softmax(exact), log_softmax(got)
        kl.append(math.fsum(math.exp(a) * (a - b) for a, b in zip(p, q)))
        top += exact.index(max(exact)) == got.index(max(got))
    return math.fsum(kl) / len(kl), top / len(kl)


def hot_keys(rows, context, n_texts):
    path = model_file(pathlib.Path(FOLDER), "hot-keys-f32")
    variants, answer = measure(path, context, n_texts, None)
    title = f"large key channels, {context}"
    show(title, variants)
    rows += rows_of(title, variants, gates=False)
    oracle = Oracle()
    oracle.ask(op="load", model=str(path))
    theirs = {}
    for kind, ours in (("q8_0", "int8"), ("q4_0", "int4")):
        losses = [of_llama(oracle, tokens, kind, 0) for tokens in answer["tokens"]]
        kl = sum(loss[0] for loss in losses) / len(losses)
        top = sum(loss[1] for loss in losses) / len(losses)
        theirs[kind] = {"mean_kl": kl, "same_top": top}
        print(f"  llama.cpp {kind:<8} {kl:>10.6f} {'':>10} {100 * top:>8.2f}%")
        rows.append(row(f"{title}, {ours}: KL of llama.cpp's {kind}", variants[ours]["mean_kl"] / max(kl, 1e-12), " x",
                        at_most=1.0))
    oracle.close()
    return {"variants": variants, "llama.cpp": theirs, "bits": answer["bits"]}


def bench():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contexts", nargs="+", type=int, default=[256, 512, 1024, 2048])
    parser.add_argument("--tokens", type=int, default=8192, help="of each kind of text and context")
    options = parser.parse_args()
    rows, details = [], {}
    prose = english()
    for context in options.contexts if STORIES.exists() else []:
        for kind, text_file in (("own text", None), ("English", prose)):
            variants, answer = measure(STORIES, context, max(1, options.tokens // context), text_file)
            title = f"stories260K, {kind}, {context}"
            show(title, variants)
            rows += rows_of(title, variants)
            details[title] = {"variants": variants, "bits": answer["bits"]}
    os.unlink(prose)
    details["hot keys"] = hot_keys(rows, 1024, 2)
    return report("kv quality", rows, {"details": details})


if __name__ == "__main__":
    main(bench)
