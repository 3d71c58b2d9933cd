"""What the benchmarks share: running the binary, measuring processes, printing tables."""
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCMIND = os.environ.get("DOCMIND_BINARY", str(ROOT / "build/release/docmind"))
# Test collections that are not shipped with the project; skipped where the folder is absent.
DATA = pathlib.Path(os.environ.get("DOCMIND_DATA", ROOT.parent / "shared/data"))

# Of docmind: it refuses variables of ours, and settings of the user would change what is measured.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("DOCMIND_")}


class BenchError(Exception):
    """A correctness check failed: a time without it would mean nothing."""


def run(*arguments, store, stdin=None):
    """Runs docmind and returns its standard output; anything but exit code 0 or 3 is an error."""
    done = subprocess.run([DOCMIND, "--store", str(store), *map(str, arguments)], input=stdin,
                          env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode not in (0, 3):
        raise BenchError(f"docmind {' '.join(map(str, arguments))}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def measure(command, stdin=None):
    """Runs a command once; returns (seconds of wall time, peak bytes of its largest process)."""
    started = time.perf_counter()
    child = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT)
    if stdin:
        child.stdin.write(stdin.encode())
    child.stdin.close()
    stderr = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 3):
        raise BenchError(f"{command}: exit {child.returncode}: {stderr.decode(errors='replace')}")
    return seconds, usage.ru_maxrss * 1024


def median(values):
    return statistics.median(values)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def machine():
    model = "unknown CPU"
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"],
                            capture_output=True, text=True).stdout.strip()
    return {"cpu": model, "threads": os.cpu_count(), "kernel": platform.release(), "commit": commit}


def report(name, rows, extra=None):
    """Prints rows (figure, measured, wanted, met) as a table, then one line of JSON."""
    print(f"\n{name}")
    width = max(len(row["figure"]) for row in rows)
    for row in rows:
        mark = {True: "met", False: "MISSED", None: ""}[row.get("met")]
        print(f"  {row['figure']:<{width}}  {row['measured']:>12}  {row.get('wanted', ''):>14}  {mark}")
    print(json.dumps({"bench": name, "machine": machine(), "rows": rows, **(extra or {})}))
    sys.stdout.flush()
    return all(row.get("met") is not False for row in rows)


def row(figure, value, unit="", wanted=None, at_most=None, at_least=None):
    met = None
    if at_most is not None:
        met = value <= at_most
        wanted = f"<= {at_most:.3g}{unit}"
    if at_least is not None:
        met = value >= at_least
        wanted = f">= {at_least:.3g}{unit}"
    if isinstance(value, float) and abs(value) < 10:
        shown = f"{value:.3f}" if abs(value) >= 0.1 or value == 0 else f"{value:.2g}"
    else:
        shown = f"{value:,.0f}"
    return {"figure": figure, "value": value, "measured": shown + unit, "wanted": wanted or "", "met": met}


def main(bench):
    try:
        sys.exit(0 if bench() else 1)
    except BenchError as error:
        print(f"not measured: {error}", file=sys.stderr)
        sys.exit(2)
