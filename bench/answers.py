#!/usr/bin/env python3
"""Answers of the extractive provider over three manuals: how many hold the fact that was asked for.

An answer counts when it holds one of the accepted strings of bench/questions/NAME.tsv (question, tab,
strings separated by "|"). The weights of retrieval and of the extractive provider were chosen with
the PostgreSQL questions in view; those over the SQLite and Debian manuals were written before they
were first run and never tuned for. Questions that no manual answers must be declined.
"""
import json
import pathlib
import tempfile

import common

MANUALS = {
    "postgresql": "/usr/share/doc/postgresql-doc-15/html",
    "sqlite": "/usr/share/doc/sqlite3",
    "debian-handbook": "/usr/share/doc/debian-handbook/html/en-US",
}
OFF_TOPIC = [
    "Who won the football world cup in 1998?",
    "How long should I boil an egg?",
    "What is the capital of Mongolia?",
    "Which vaccine protects against measles?",
    "How tall is the Eiffel tower?",
    "What do giraffes eat?",
    "How do I knit a scarf?",
    "When did the Roman empire fall?",
]


def ask(store, questions):
    output = common.run("ask", "--json", "--no-cache", store=store, stdin="\n".join(questions) + "\n")
    return [json.loads(line) for line in output.splitlines()]


def bench():
    rows = []
    for name, folder in MANUALS.items():
        if not pathlib.Path(folder).is_dir():
            print(f"answers: {name} skipped, {folder} is not installed (scripts/setup.sh bench)")
            continue
        lines = (common.ROOT / f"bench/questions/{name}.tsv").read_text().splitlines()
        questions = [line.split("\t") for line in lines]
        with tempfile.TemporaryDirectory() as store:
            common.run("index", folder, store=store)
            answers = ask(store, [question for question, _ in questions])
            declined = [not answer["answered"] for answer in ask(store, OFF_TOPIC)]
        if len(answers) != len(questions) or len(declined) != len(OFF_TOPIC):
            raise common.BenchError(f"{len(questions)} questions, {len(answers)} answers")
        uncited = [a["question"] for a in answers if a["answered"] and not a["citations"]]
        if uncited:
            raise common.BenchError(f"answered without a citation: {uncited}")
        good = sum(any(accepted in answer["answer"] for accepted in strings.split("|"))
                   for answer, (_, strings) in zip(answers, questions))
        rows.append(common.row(f"{name}: answers with the fact, of {len(questions)}", good))
        rows.append(common.row(f"{name}: off-topic questions declined, of {len(OFF_TOPIC)}",
                               sum(declined)))
    return not rows or common.report("answers without a model", rows)


if __name__ == "__main__":
    common.main(bench)
