// Builds a graph of usearch over the vectors that bench_semantic_lookup wrote and looks them up, one
// at a time in one thread as a cache does: usearch_lookup.mjs FOLDER i8|f32 RECALL. Prints a line of JSON.
// SPDX-License-Identifier: Apache-2.0
import fs from "node:fs";
import path from "node:path";
import { Index } from "usearch";

const [folder, quantization, wantedRecall] = process.argv.slice(2);
const { rows, dimension, queries, k } = JSON.parse(fs.readFileSync(path.join(folder, "set.json")));

function readAll(name, Type, length) {
  const bytes = fs.readFileSync(path.join(folder, name));
  if (bytes.byteLength !== length * Type.BYTES_PER_ELEMENT) throw new Error(`${name} has ${bytes.byteLength} bytes`);
  return new Type(bytes.buffer, bytes.byteOffset, length);
}
const vectors = readAll("vectors.f32", Float32Array, rows * dimension);
const asked = readAll("queries.f32", Float32Array, queries * dimension);
const truth = readAll("truth.i32", Int32Array, queries * k);
const row = (matrix, i) => matrix.subarray(i * dimension, (i + 1) * dimension);

const options = (expansion) => ({
  metric: "cos", dimensions: dimension, quantization, connectivity: 16, expansion_add: 128,
  expansion_search: expansion,
});
const built = new Index(options(64));
let started = performance.now();
for (let i = 0; i < rows; ++i) built.add(BigInt(i), row(vectors, i), 1);
const buildSeconds = (performance.now() - started) / 1000;

// One more at a time when all are in: what a live cache pays.
const extra = Math.min(500, rows);
const moved = Float32Array.from(row(vectors, 0));
started = performance.now();
for (let i = 0; i < extra; ++i) {
  moved.set(row(vectors, i));
  moved[i % dimension] += 0.01;
  built.add(BigInt(rows + i), moved, 1);
}
const insertSeconds = (performance.now() - started) / 1000 / extra;
for (let i = 0; i < extra; ++i) built.remove(BigInt(rows + i));

const file = path.join(folder, "peer.usearch");
built.save(file);
let result;
for (const expansion of [16, 32, 64, 128, 256, 512, 1024, 2048]) {
  const index = new Index(options(expansion));
  index.load(file);
  const milliseconds = [];
  let found = 0;
  for (let pass = 0; pass < 2; ++pass) {
    for (let q = 0; q < queries; ++q) {
      const query = row(asked, q);
      const start = performance.now();
      const { keys } = index.search(query, k, 1);
      if (pass === 0) continue;
      milliseconds.push(performance.now() - start);
      const ids = new Set(Array.from(keys, Number));
      for (let i = 0; i < k; ++i) found += ids.has(truth[q * k + i]) ? 1 : 0;
    }
  }
  milliseconds.sort((a, b) => a - b);
  result = { peer: "usearch", quantization, expansion, recall: found / (queries * k),
             p50_ms: milliseconds[queries >> 1], build_s: buildSeconds, insert_per_s: 1 / insertSeconds,
             rss_bytes: process.memoryUsage().rss - (vectors.byteLength + asked.byteLength) };
  if (result.recall >= Number(wantedRecall)) break;
}
fs.rmSync(file);
console.log(JSON.stringify(result));
