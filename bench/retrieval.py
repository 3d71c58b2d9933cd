#!/usr/bin/env python3
"""Retrieval quality on Cranfield: nDCG@10 and recall@10 of `docmind search` against plain FTS5.

Every listed document counts as relevant. The plain full-text search (SQLite FTS5, porter stemmer,
all words joined by OR) is run beside ours on the same documents and queries; that it gives its known
nDCG@10 of 0.510 proves that documents, judgements and measures are read as they should be.
"""
import collections
import json
import math
import pathlib
import re
import sqlite3
import tempfile

import common

KNOWN_BASELINE = 0.510


def read_documents(collection):
    text = (collection / "cran.all.1400").read_text()
    for entry in re.split(r"^\.I ", text, flags=re.M)[1:]:
        number, rest = entry.split("\n", 1)
        title = re.search(r"^\.T\n(.*?)^\.A", rest, re.S | re.M).group(1).strip()
        body = re.search(r"^\.W\n(.*)", rest, re.S | re.M).group(1).strip()
        yield int(number), f"{title}\n\n{body}\n"


def read_judgements(collection):
    relevant = collections.defaultdict(set)
    for line in (collection / "qrels.tsv").read_text().splitlines():
        query, document, _ = line.split("\t")
        relevant[query].add(int(document))
    return relevant


def scores(ranking, relevant):
    """nDCG@10 and recall@10 of one ranking of document numbers."""
    gain = sum(1 / math.log2(i + 2) for i, d in enumerate(ranking[:10]) if d in relevant)
    ideal = sum(1 / math.log2(i + 2) for i in range(min(10, len(relevant))))
    return gain / ideal, sum(d in relevant for d in ranking[:10]) / len(relevant)


def mean_scores(rankings, judgements):
    pairs = [scores(ranking, judgements[query]) for query, ranking in rankings.items()]
    return [sum(column) / len(pairs) for column in zip(*pairs)]


def plain_fts5(documents, queries):
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE t USING fts5(x, tokenize='porter unicode61')")
    db.executemany("INSERT INTO t(rowid, x) VALUES(?, ?)", documents)
    sql = "SELECT rowid FROM t WHERE t MATCH ? ORDER BY bm25(t) LIMIT 10"
    rankings = {}
    for query, text in queries:
        match = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", text))
        rankings[query] = [document for (document,) in db.execute(sql, (match,))]
    return rankings


def ours(folder, collection, documents):
    for number, text in documents:
        (folder / "docs").mkdir(exist_ok=True)
        (folder / "docs" / f"{number}.txt").write_text(text)
    common.run("index", folder / "docs", store=folder / "store")
    output = common.run("search", "--top-k", 20, "--queries", collection / "queries.tsv",
                        store=folder / "store")
    rankings = {}
    for line in output.splitlines():
        answer = json.loads(line)
        found = [int(pathlib.Path(result["path"]).stem) for result in answer["results"]]
        rankings[answer["id"]] = list(dict.fromkeys(found))
    return rankings


def bench():
    collection = common.DATA / "cranfield"
    if not collection.is_dir():
        print("retrieval: skipped, the Cranfield collection is not there (set DOCMIND_DATA)")
        return True
    documents = list(read_documents(collection))
    queries = [line.split("\t", 1) for line in (collection / "queries.tsv").read_text().splitlines()]
    judgements = read_judgements(collection)
    base_ndcg, base_recall = mean_scores(plain_fts5(documents, queries), judgements)
    if abs(base_ndcg - KNOWN_BASELINE) > 0.002:
        raise common.BenchError(f"plain FTS5 gives nDCG@10 {base_ndcg:.4f}, known is {KNOWN_BASELINE}")
    with tempfile.TemporaryDirectory() as folder:
        ndcg, recall = mean_scores(ours(pathlib.Path(folder), collection, documents), judgements)
    return common.report(f"retrieval, Cranfield, {len(queries)} queries, {len(documents)} documents", [
        common.row("nDCG@10, plain FTS5 (porter)", base_ndcg),
        common.row("nDCG@10, docmind", ndcg, at_least=0.53),
        common.row("  over plain FTS5", ndcg / base_ndcg, "x"),
        common.row("recall@10, plain FTS5 (porter)", base_recall),
        common.row("recall@10, docmind", recall, at_least=base_recall),
    ])


if __name__ == "__main__":
    common.main(bench)
