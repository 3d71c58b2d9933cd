// The oracle's side of bench/model_speed.py: tokens a second of one kind of work, warmed up.
// SPDX-License-Identifier: Apache-2.0
import {Context} from "./llama.mjs";

// Tokens that every model of the benchmarks has; the same rule as in bench/model_speed.py.
function tokens_of(n, seed, n_vocab) {
  return Array.from({length: n}, (_, i) => 300 + (i * 7919 + seed * 104729) % (n_vocab - 600));
}

async function seconds(work) {
  const begin = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - begin) / 1e9;
}

// Runs once without measuring, then `rounds` times.
async function rounds_of(n_rounds, n_tokens, work) {
  await work();
  const rates = [];
  for (let i = 0; i < n_rounds; ++i) rates.push(n_tokens / await seconds(work));
  return rates;
}

async function prefill(model, {n, n_vocab, rounds, threads}) {
  const context = await Context.create(model, {tokens: n + 64, batch: Math.min(n, 512), threads});
  const tokens = tokens_of(n, 0, n_vocab);
  const rates = await rounds_of(rounds, n, async () => {
    context.forget(0);
    await context.evaluate(tokens, 0);
  });
  await context.dispose();
  return rates;
}

// Without sampling, which llama.cpp would have to pay for as well.
async function decode(model, {n, after, n_vocab, rounds, threads}) {
  const context = await Context.create(model, {tokens: after + n + 64, batch: 512, threads});
  const tokens = tokens_of(after + n, 0, n_vocab);
  await context.evaluate(tokens.slice(0, after), 0);
  const rates = await rounds_of(rounds, n, async () => {
    context.forget(after);
    for (let i = after; i < after + n; ++i) await context.evaluate([tokens[i]], i);
  });
  await context.dispose();
  return rates;
}

// `n_texts` of `n` tokens each, in one batch or one after another, whichever `together` says.
async function encode(model, {n, n_texts, n_vocab, rounds, threads, together, ranking}) {
  const sequences = Array.from({length: n_texts}, (_, i) => tokens_of(n, i, n_vocab));
  const options = {embeddings: true, ranking, threads};
  const context = together
    ? await Context.create(model, {...options, tokens: n * n_texts, sequences: n_texts})
    : await Context.create(model, {...options, tokens: n});
  const rates = await rounds_of(rounds, n * n_texts, async () => {
    if (together) return context.embed(sequences);
    for (const tokens of sequences) await context.embed([tokens]);
  });
  await context.dispose();
  return rates;
}

// `n_streams` texts at once: prompts of `n` tokens, then `n_generate` tokens each, a batch of all a step;
// generated tokens a second, prompts included.
async function streams(model, {n, n_streams, n_generate, n_vocab, rounds, threads}) {
  const tokens = n_streams * (n + n_generate + 16);
  const context = await Context.create(model, {tokens, batch: Math.max(512, n), sequences: n_streams, threads});
  const rates = await rounds_of(rounds, n_streams * n_generate, async () => {
    await context.generate(Array.from({length: n_streams}, (_, i) => tokens_of(n, i, n_vocab)), n_generate);
  });
  await context.dispose();
  return rates;
}

export const kinds = {prefill, decode, encode, streams};
