// npm ollama, unmodified.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ollama } from 'ollama';
import { chatModel, cosine, embedModel, headers, url } from './setup.mjs';

const ollama = new Ollama({ host: url, headers });
const options = { num_predict: 12, seed: 3, temperature: 0.8 };

test('tags, ps, version, show', async () => {
  const { models } = await ollama.list();
  assert.ok(models.some((model) => model.name.startsWith(chatModel)), JSON.stringify(models));
  assert.ok((await ollama.ps()).models.some((model) => model.size > 0));
  assert.match((await (await fetch(`${url}/api/version`, { headers })).json()).version, /^\d+\./);
  const shown = await ollama.show({ model: chatModel });
  assert.ok(shown.details.quantization_level);
  const lengths = Object.entries(shown.model_info).filter(([name]) => name.endsWith('.context_length'));
  assert.ok(lengths.length === 1 && lengths[0][1] > 0);
  assert.ok(shown.capabilities.includes('completion'));
  await assert.rejects(ollama.show({ model: 'nowhere' }), (error) => error.status_code === 404);
});

test('chats, whole and streamed', async () => {
  const request = { model: chatModel, messages: [{ role: 'user', content: 'Hello' }], options };
  const whole = await ollama.chat(request);
  assert.equal(whole.message.role, 'assistant');
  assert.ok(whole.done && whole.eval_count > 0 && whole.prompt_eval_count > 0 && whole.total_duration > 0);
  let text = '', last = null;
  for await (const part of await ollama.chat({ ...request, stream: true })) {
    text += part.message.content;
    last = part;
  }
  assert.equal(text, whole.message.content);
  assert.ok(last.done && ['stop', 'length'].includes(last.done_reason));
});

test('generates, raw and as JSON of a schema', async () => {
  const raw = await ollama.generate({ model: chatModel, prompt: 'Once', raw: true, options });
  assert.ok(raw.response.length > 0);
  const shaped = await ollama.generate({ model: chatModel, prompt: 'A size', options: { ...options, num_predict: 200 },
    format: { type: 'object', required: ['size'], additionalProperties: false,
              properties: { size: { type: 'integer', minimum: 0, maximum: 9 } } } });
  assert.ok(Number.isInteger(JSON.parse(shaped.response).size));
});

test('embeds, and says what was cut', async () => {
  const both = await ollama.embed({ model: embedModel, input: ['one pump', 'two pumps'] });
  assert.equal(both.embeddings.length, 2);
  const old = await ollama.embeddings({ model: embedModel, prompt: 'one pump' });
  assert.ok(cosine(old.embedding, both.embeddings[0]) > 0.99999);
  const long = 'pump '.repeat(5000);
  const cut = await ollama.embed({ model: embedModel, input: long });
  assert.ok(cut.truncated_tokens > 0);
  await assert.rejects(ollama.embed({ model: embedModel, input: long, truncate: false }), (error) => error.status_code === 400);
});

test('asks the documents', async () => {
  const answer = await ollama.chat({ model: 'docmind', messages: [{ role: 'user', content: 'How heavy is the pump?' }] });
  assert.ok(answer.message.content.length > 0);
});

test('refuses what it does not do, with a sentence', async () => {
  await assert.rejects(ollama.chat({ model: 'llama9', messages: [{ role: 'user', content: 'x' }] }),
    (error) => error.status_code === 404 && /llama9/.test(error.message));
  await assert.rejects(ollama.pull({ model: 'llama3' }), (error) => error.status_code >= 400 && /docmind models pull/.test(error.message));
  await assert.rejects(ollama.chat({ model: chatModel, messages: [{ role: 'user', content: 'x' }], options: { num_ctx: 1 << 20 } }),
    (error) => error.status_code === 400);
});
