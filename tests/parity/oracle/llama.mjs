// Model and Context: the native addon of node-llama-cpp without its JavaScript, so that raw logits and
// exact batches are within reach, and nothing but one package of prebuilt binaries is installed.
// SPDX-License-Identifier: Apache-2.0
import fs from "node:fs";
import {createRequire} from "node:module";
import os from "node:os";
import path from "node:path";

const package_folder = new URL("node_modules/@node-llama-cpp/linux-x64/", import.meta.url).pathname;
const library_folder = path.join(package_folder, "bins/linux-x64");
const kv_types = {f32: 0, f16: 1, q4_0: 2, q4_1: 3, q5_0: 6, q5_1: 7, q8_0: 8};

let addon = null;
let backend = "";

// Loads the addon once. `wanted` names the instruction set of one of its libraries ("haswell" is
// AVX2); empty leaves the choice to llama.cpp, which takes the best that the CPU has.
export async function start(wanted) {
  addon = createRequire(import.meta.url)(path.join(library_folder, "llama-addon.node"));
  addon.setLogger((level, text) => {
    const loaded = /libggml-cpu-(\w+)\.so/.exec(text);
    if (loaded) backend = loaded[1];
    if (level <= 2) process.stderr.write(text);  // errors
  });
  addon.setLoggerLogLevel(4);
  addon.loadBackends(wanted ? folder_with_one(wanted) : library_folder);
  await addon.init();
}

// llama.cpp takes the best library of a folder, so a folder with one library is a choice.
function folder_with_one(name) {
  const file = `libggml-cpu-${name}.so`;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "docmind-oracle-"));
  process.on("exit", () => fs.rmSync(folder, {recursive: true}));
  fs.symlinkSync(path.join(library_folder, file), path.join(folder, file));
  return folder;
}

export function system() {
  const {version} = JSON.parse(fs.readFileSync(path.join(package_folder, "package.json"), "utf8"));
  return {package: `node-llama-cpp ${version}`, backend, features: addon.systemInfo(), node: process.version};
}

export class Model {
  static async load(file, vocabulary_only) {
    const options = {gpuLayers: 0, useMmap: true, vocabOnly: vocabulary_only, addonExports: addon};
    const model = new Model();
    model.native = new addon.AddonModel(file, options);
    if (!await model.native.init()) throw new Error(`llama.cpp cannot load ${file}`);
    return model;
  }

  // Without BOS and EOS; `special`: text of control tokens becomes those tokens.
  tokenize(text, special) { return Array.from(this.native.tokenize(text, special)); }
  detokenize(tokens, special) { return this.native.detokenize(Uint32Array.from(tokens), special); }
  dispose() { return this.native.dispose(); }
}

export class Context {
  // `options`: tokens (capacity and batch), batch, sequences, threads, embeddings, ranking,
  // kv (a name of kv_types), flash (attention; undefined leaves it to llama.cpp).
  static async create(model, options) {
    const native_options = {
      contextSize: options.tokens,
      batchSize: options.batch ?? options.tokens,
      sequences: options.sequences ?? 1,
      threads: options.threads ?? 1,
      embeddings: Boolean(options.embeddings || options.ranking),
      ranking: Boolean(options.ranking),
      kvCacheKeyType: kv_types[options.kv ?? "f16"],
      kvCacheValueType: kv_types[options.kv ?? "f16"],
    };
    if (options.flash !== undefined) native_options.flashAttention = options.flash;
    const context = new Context();
    context.batch_size = native_options.batchSize;
    context.native = new addon.AddonContext(model.native, native_options);
    context.sampler = new addon.AddonSampler(model.native);
    context.sampler.applyConfig({temperature: 0});
    if (!await context.native.init()) throw new Error("llama.cpp cannot make a context");
    return context;
  }

  // Evaluates `tokens` from `position` on, cut into batches; returns the native index of the last one.
  async evaluate(tokens, position) {
    let index = 0;
    for (let at = 0; at < tokens.length; at += this.batch_size) {
      const piece = Uint32Array.from(tokens.slice(at, at + this.batch_size));
      this.native.initBatch(piece.length);
      const last = at + piece.length === tokens.length ? [piece.length - 1] : [];
      index = this.native.addToBatch(0, position + at, piece, Uint32Array.from(last))[0];
      await this.native.decodeBatch();
    }
    return index;
  }

  // The logits [n_vocab] after each of `positions` of `tokens`, evaluated in one batch.
  async logits(tokens, positions) {
    this.native.initBatch(tokens.length);
    const indexes = this.native.addToBatch(0, 0, Uint32Array.from(tokens), Uint32Array.from(positions));
    await this.native.decodeBatch();
    const rows = [];
    for (const index of indexes) {
      const pairs = (await this.native.sampleToken(index, this.sampler, false, false, true))[3];
      const row = new Array(pairs.length / 2);
      for (let i = 0; i < pairs.length; i += 2) row[pairs[i]] = pairs[i + 1];
      rows.push(row);
    }
    this.forget(0);
    return rows;
  }

  async greedy(tokens, n) {
    const out = [];
    let index = await this.evaluate(tokens, 0);
    while (out.length < n) {
      out.push(await this.native.sampleToken(index, this.sampler));
      if (out.length < n) index = await this.evaluate(out.slice(-1), tokens.length + out.length - 1);
    }
    this.forget(0);
    return out;
  }

  // Greedy texts of several prompts at once: prompts one after another, then a batch of all a step.
  async generate(prompts, n) {
    const next = [];
    for (const [i, tokens] of prompts.entries()) {
      this.native.initBatch(tokens.length);
      const [index] = this.native.addToBatch(i, 0, Uint32Array.from(tokens), Uint32Array.of(tokens.length - 1));
      await this.native.decodeBatch();
      next.push(await this.native.sampleToken(index, this.sampler));
    }
    for (let step = 1; step < n; ++step) {
      this.native.initBatch(prompts.length);
      const at = prompts.map((tokens, i) => {
        const position = tokens.length + step - 1;
        return this.native.addToBatch(i, position, Uint32Array.of(next[i]), Uint32Array.of(0))[0];
      });
      await this.native.decodeBatch();
      for (const i of prompts.keys()) next[i] = await this.native.sampleToken(at[i], this.sampler);
    }
    for (const i of prompts.keys()) this.native.removeTokenCellsFromSequence(i, 0, -1);
  }

  // All sequences in one batch; the pooled vector, or the classifier's output, of the first.
  async embed(sequences) {
    this.native.initBatch(sequences.reduce((sum, tokens) => sum + tokens.length, 0));
    sequences.forEach((tokens, i) => {
      this.native.addToBatch(i, 0, Uint32Array.from(tokens), Uint32Array.from(tokens.keys()));
    });
    await this.native.decodeBatch();
    return Array.from(this.native.getEmbedding(sequences[0].length));
  }

  // Drops what a decoder keeps from `position` on.
  forget(position) { this.native.removeTokenCellsFromSequence(0, position, -1); }
  async dispose() {
    this.sampler.dispose();
    await this.native.dispose();
  }
}
