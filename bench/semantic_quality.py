#!/usr/bin/env python3
"""How right the semantic cache is on labelled question pairs.

Every "question" is inserted, every "other" asked; a hit where "same" is 0, or on another row, is wrong. Printed:
precision against hit rate for fixed thresholds of the similarity, with and without the guards; what each guard
stops and costs on pairs that share 60% of their words; and the calibrated mode: in how many random halves the bound
on wrong hits held on the half not learned from, its hit rate there, and that of the best fixed threshold of the same
precision, chosen with hindsight. Where two rows hold paraphrases of one question, a hit on the other row is right to
a person and wrong here; "implied" counts it as right where the labels of all pairs taken together say so.
"""
import argparse
import os

from common import DATA, ROOT, main, report, row
from model_speed import call

QUALITY = os.environ.get("DOCMIND_SEMANTIC_QUALITY", str(ROOT / "build/bench/bench/bench_semantic_quality"))
PAIRS = DATA / "qqp/pairs.jsonl"
# The bounds that users are promised.
BOUNDS = (0.01, 0.02, 0.05)
# What simple guards do on this data: they stop that share of hard negatives and lose that of hard positives.
DIGITS = (0.084, 0.032)
CAPITALS_LOSE = 0.231


def percent(value):
    return "-" if value is None else f"{100 * value:.2f}%"


def show_fixed(title, rows):
    print(f"\n{title}")
    print(f"  {'threshold':>9}  {'hit rate':>9} {'precision':>9}  {'guarded: hit rate':>17} {'precision':>9}")
    for one in rows:
        plain, guarded = one["plain"], one["guarded"]
        print(f"  {one['threshold']:>9.2f}  {percent(plain['hit_rate']):>9} {percent(plain['precision']):>9}  "
              f"{percent(guarded['hit_rate']):>17} {percent(guarded['precision']):>9}")


def show_calibrated(title, rows):
    print(f"\n{title}")
    print(f"  {'bound':>6} {'held':>8} {'serving':>8} {'hit rate':>9} {'precision':>9} {'best fixed':>11} "
          f"{'with guards':>12}")
    for one in rows:
        print(f"  {percent(one['bound']):>6} {one['held']:>4}/{one['splits']:<3} {one['serving']:>8} "
              f"{percent(one['hit_rate']):>9} {percent(one['precision']):>9} {percent(one['fixed']):>11} "
              f"{percent(one['fixed_guarded']):>12}")


def rows_of(answer):
    guards = {one["guard"]: one for one in answer["guards"]}
    rows = [row("numbers: hard positives lost", 100 * guards["numbers"]["lost"], "%", at_most=100 * DIGITS[1]),
            row("names: hard negatives stopped", 100 * guards["names"]["stopped"], "%"),
            row("names: hard positives lost", 100 * guards["names"]["lost"], "%", at_most=100 * CAPITALS_LOSE)]
    for one in answer["calibrated"]:
        title = f"bound {100 * one['bound']:.0f}%"
        rows.append(row(f"{title}: splits where it held", one["held"], "", at_least=0.95 * one["splits"]))
        # Where nothing is served the bound holds for nothing; that is said and not passed over.
        wanted = {"at_least": 100 * max(one["fixed"], one["fixed_guarded"])}
        rows.append(row(f"{title}: splits with hits", one["serving"], "",
                        **({"at_least": 1} if one["bound"] in BOUNDS else {})))
        rows.append(row(f"{title}: hit rate", 100 * one["hit_rate"], "%", **(wanted if one["serving"] else {})))
    return rows


def bench():
    parser = argparse.ArgumentParser(description="How right the semantic cache is on labelled question pairs.")
    parser.add_argument("--embedder", help="a GGUF file of an embedding model instead of the lexical vectors")
    parser.add_argument("--dimension", type=int, help="of the lexical vectors")
    arguments = parser.parse_args()
    if not PAIRS.exists():
        print(f"semantic_quality: skipped, {PAIRS} is absent")
        return True
    options = ["--embedder", arguments.embedder] if arguments.embedder else []
    options += ["--dimension", arguments.dimension] if arguments.dimension else []
    answer = call([QUALITY, PAIRS] + options)
    print(f"\n{answer['pairs']:,} pairs, {answer['same']:,} the same; {answer['exact']} are exact hits; the nearest "
          f"vector is the right one in {answer['nearest_right']:,}, the closest wording of 8 in "
          f"{answer['closest_right']:,}")
    show_fixed("Fixed thresholds, all questions", answer["fixed"])
    show_fixed("Fixed thresholds, hard ones", answer["fixed_hard"])
    print("\nGuards on hard pairs\n  guard      negatives stopped  positives lost")
    for one in answer["guards"]:
        print(f"  {one['guard']:<10} {percent(one['stopped']):>17} {percent(one['lost']):>15}")
    show_calibrated("Calibrated, 95% confidence, on the half not learned from", answer["calibrated"])
    show_calibrated("The same, labels implied by others counted as right", answer["calibrated_implied"])
    return report("semantic_quality", rows_of(answer), {"details": answer})


if __name__ == "__main__":
    main(bench)
