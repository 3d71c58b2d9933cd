// The oracle of the parity tests: llama.cpp behind lines of JSON, one request and one answer each.
// Usage: node oracle.mjs [backend]; requests below; an answer has "error" when the request failed.
// llama.cpp prints to standard output as well: answers are the lines that begin with '{'.
// SPDX-License-Identifier: Apache-2.0
import readline from "node:readline";
import {Context, Model, start, system} from "./llama.mjs";
import {kinds} from "./rates.mjs";

let model = null;
let contexts = new Map();

function loaded() {
  if (!model) throw new Error("no model is loaded");
  return model;
}

// Contexts of the loaded model are kept by their options.
async function context_for(request, extra) {
  const {tokens_max: tokens = 1024, threads = 1, kv, flash} = request;
  const options = {tokens, threads, kv, flash, ...extra};
  const key = JSON.stringify(options);
  if (!contexts.has(key)) contexts.set(key, await Context.create(loaded(), options));
  return contexts.get(key);
}

async function unload() {
  for (const context of contexts.values()) await context.dispose();
  contexts = new Map();
  if (model) await model.dispose();
  model = null;
}

const requests = {
  system: async () => system(),
  async load({model: file, vocabulary_only = false}) {
    await unload();
    model = await Model.load(file, vocabulary_only);
    return {};
  },
  tokenize: async ({text, special = false}) => ({tokens: loaded().tokenize(text, special)}),
  detokenize: async ({tokens, special = false}) => ({text: loaded().detokenize(tokens, special)}),
  logits: async (request) => ({rows: await (await context_for(request)).logits(request.tokens, request.positions)}),
  greedy: async (request) => ({tokens: await (await context_for(request)).greedy(request.tokens, request.n)}),
  embed: async (request) => ({vector: await (await context_for(request, {embeddings: true})).embed([request.tokens])}),
  rank: async (request) => ({score: (await (await context_for(request, {ranking: true})).embed([request.tokens]))[0]}),
  rates: async (request) => ({rates: await kinds[request.kind](loaded(), request)}),
};

async function answer(line) {
  try {
    const request = JSON.parse(line);
    if (!Object.hasOwn(requests, request.op)) throw new Error(`unknown request '${request.op}'`);
    return await requests[request.op](request);
  } catch (error) {
    return {error: error.message};
  }
}

await start(process.argv[2] ?? "");
for await (const line of readline.createInterface({input: process.stdin})) {
  // The line end before the answer: text of llama.cpp may stand there without one.
  process.stdout.write("\n" + JSON.stringify(await answer(line)) + "\n");
}
await unload();
