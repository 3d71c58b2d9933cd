#!/usr/bin/env python3
"""The KV cache of a model of Qwen3-0.6B's dimensions: bytes, true memory, and how fast attention reads each format.

32,768 tokens in every format, then 131,072 tokens in int4 and mixed with the weights loaded and tokens generated
after them. Keys and values are made up: computing those of 131,072 tokens takes this model hours.
"""
import argparse
import pathlib

from common import DOCMIND, machine, main, median, report, row
from model_files import model_file
from model_speed import FOLDER, call

MODEL = "qwen3-0.6b-q8_0"
MOST_OF_F16 = {"int8": 0.54, "int4": 0.29, "mixed": 0.215}


def run(path, tokens, formats, *more):
    """Attention of a prompt at 32,768 tokens takes seconds, so few runs."""
    answer = call([DOCMIND, "bench", "kv", path, "--json", "--tokens", tokens, "--formats", ",".join(formats), "--runs", 2, *more])
    return {one["format"]: one for one in answer["formats"]}, answer


def show(title, formats):
    print(f"\n{title}")
    print(f"  {'format':<6} {'B/token':>9} {'planned':>9} {'counted':>9} {'process':>9} {'attend':>9} {'GB/s':>6} {'prompt':>9}"
          f" {'decode':>9}")
    for name, one in formats.items():
        mib = [one[key] / (1 << 20) for key in ("sequence_bytes", "counted_bytes", "process_bytes")]
        print(f"  {name:<6} {one['bytes_per_token']:>9,.0f} {mib[0]:>5,.0f} MiB {mib[1]:>5,.0f} MiB {mib[2]:>5,.0f} MiB "
              f"{one['attend_ms']:>6.1f} ms {one['attend_gb_per_s']:>6.1f} {one['prefill_ms']:>6.0f} ms "
              + (f"{one['decode_ms']:>6.0f} ms" if "decode_ms" in one else ""))


def true_memory(rows, title, formats):
    for name, one in formats.items():
        rows.append(row(f"{title}, {name}: memory of the process, of counted", one["process_bytes"] / one["counted_bytes"],
                        " x", at_most=1.03))
        rows.append(row(f"{title}, {name}: the same, at least", one["process_bytes"] / one["counted_bytes"], " x",
                        at_least=0.97))


def bench():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=32_768)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--isa", default="auto")
    parser.add_argument("--long", type=int, default=131_072, help="0: leave it out")
    options = parser.parse_args()
    path = model_file(pathlib.Path(FOLDER), MODEL)
    rows, rounds = [], []
    for _ in range(options.rounds):
        formats, answer = run(path, options.tokens, ["f16", "int8", "k8v4", "int4", "mixed"], "--isa", options.isa)
        rounds.append(formats)
    print(f"{machine()['cpu']}, {answer['isa']}, {answer['threads']} threads, {answer['read_gb_per_s']:.0f} GB/s")
    show(f"{options.tokens} tokens", rounds[-1])
    title = f"{options.tokens:,} tokens"
    for name, most in MOST_OF_F16.items():
        rows.append(row(f"{title}, {name}: bytes of f16", rounds[-1][name]["of_f16"], " x", at_most=most))
    true_memory(rows, title, rounds[-1])
    for name in ("int8", "k8v4", "int4", "mixed"):
        ratio = lambda key: median([formats[name][key] / formats["f16"][key] for formats in rounds])
        rows.append(row(f"{title}, {name}: attention of a token, of f16", ratio("attend_ms"), " x", at_most=1.0))
        rows.append(row(f"{title}, {name}: attention of a prompt, of f16", ratio("prefill_ms"), " x", at_most=1.1))
    details = {"formats": rounds, "isa": answer["isa"]}
    if options.long:
        formats, _ = run(path, options.long, ["int4", "mixed"], "--decode")
        show(f"{options.long} tokens, and some generated after them", formats)
        true_memory(rows, f"{options.long:,} tokens", formats)
        details["long"] = formats
    return report("kv", rows, details)


if __name__ == "__main__":
    main(bench)
