#!/usr/bin/env python3
"""`docmind plan`: how long the whole command takes, and what a planned model truly takes.

Times are of whole processes, from start to exit, of a model of the catalogue and of a GGUF file. Memory: the file of
bench/model_speed.py is loaded by `docmind run`, which reads a long prompt; the most that the process ever held is
compared with the plan for as many tokens.
"""
import argparse
import json
import pathlib
import re
import subprocess
import time

from common import DOCMIND, ENVIRONMENT, BenchError, main, median, percentile, report, row
from model_speed import FOLDER

MODEL = "qwen3-0.6b-q8_0.gguf"
TOO_LARGE = ["--model", "qwen3-14b", "--context", "131072", "--vram", "12GiB", "--concurrent", "5"]
DOES_NOT_FIT = 5


def plan(*arguments):
    """The answer, exit code and milliseconds of a plan."""
    started = time.perf_counter()
    done = subprocess.run([DOCMIND, "plan", *map(str, arguments)], env=ENVIRONMENT, capture_output=True, text=True)
    ms = 1e3 * (time.perf_counter() - started)
    if done.returncode not in (0, DOES_NOT_FIT):
        raise BenchError(f"docmind plan {' '.join(map(str, arguments))}: exit {done.returncode}: {done.stderr}")
    return done.stdout, done.returncode, ms


def check():
    answer, code, _ = plan(*TOO_LARGE, "--json")
    answer = json.loads(answer)
    if code != DOES_NOT_FIT or answer["asked"]["fits"] or len(answer["alternatives"]) != 3:
        raise BenchError("14 billion parameters with 5 x 131,072 tokens should not fit 12 GiB, and three plans should")
    for other in answer["alternatives"]:
        if not other["fits"] or other["total_bytes"] > other["device"]["usable_bytes"]:
            raise BenchError(f"an alternative does not fit: {other}")


def times(rows, name, runs, *arguments):
    ms = [plan(*arguments)[2] for _ in range(runs)]
    rows.append(row(f"{name}: median", median(ms), " ms", at_most=50))
    rows.append(row(f"{name}: 95%", percentile(ms, 0.95), " ms", at_most=50))


def most_resident(command):
    """Runs it to its end: the most memory that it held, and what it said on standard error."""
    child = subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True)
    most = 0
    while child.poll() is None:
        try:
            found = re.search(r"VmHWM:\s*(\d+) kB", pathlib.Path(f"/proc/{child.pid}/status").read_text())
            most = max(most, 1024 * int(found.group(1)) if found else 0)
        except OSError:
            pass
        time.sleep(0.02)
    said = child.stderr.read()
    if child.returncode != 0:
        raise BenchError(f"{command}: exit {child.returncode}: {said}")
    return most, said


def memory(rows, path, words, kv):
    prompt = " ".join(f"word {i}" for i in range(words))
    most, said = most_resident([DOCMIND, "run", str(path), prompt, "--stats", "--max-tokens", "2", "--kv", kv,
                                "--context", "8192"])
    found = re.search(r"prompt of ([\d,]+) token", said)
    if not found:
        raise BenchError(f"no number of tokens in: {said}")
    tokens = int(found.group(1).replace(",", ""))
    answer = json.loads(plan(path, "--context", tokens, "--kv", kv, "--ram", "64GiB", "--json")[0])
    planned = answer["asked"]["total_bytes"]
    rows.append(row(f"{tokens:,} tokens in {kv}: planned, of held", planned / most, " x", at_most=1.03))
    rows.append(row(f"{tokens:,} tokens in {kv}: the same, at least", planned / most, " x", at_least=0.97))
    print(f"  {kv}: planned {planned / 2**20:,.1f} MiB, held {most / 2**20:,.1f} MiB; "
          + ", ".join(f"{part['name']} {part['bytes'] / 2**20:,.1f}" for part in answer["asked"]["parts"]))


def bench():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--words", type=int, default=400, help="of the prompt, nearly nine tokens each")
    options = parser.parse_args()
    check()
    rows = []
    times(rows, "a model of the catalogue", options.runs, *TOO_LARGE)
    times(rows, "the same on this machine, whose memory is measured", options.runs, "--model", "qwen3-14b")
    path = pathlib.Path(FOLDER) / MODEL
    if path.is_file():
        times(rows, "a GGUF file", options.runs, path, "--ram", "16GiB")
        for kv in ("f16", "int8", "int4"):
            memory(rows, path, options.words, kv)
    return report("plan", rows)


if __name__ == "__main__":
    main(bench)
