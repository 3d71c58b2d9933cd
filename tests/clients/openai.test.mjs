// npm openai, unmodified: only its base URL is ours.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { chatModel, cosine, embedModel, key, url } from './setup.mjs';

const client = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0 });
const messages = [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Say something.' }];
const base = { model: chatModel, messages, max_tokens: 12, seed: 7 };

test('lists and retrieves models', async () => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.ok(ids.includes(chatModel) && ids.includes(embedModel) && ids.includes('docmind'), ids.join());
  assert.equal((await client.models.retrieve(chatModel)).id, chatModel);
  await assert.rejects(client.models.retrieve('nowhere'), OpenAI.NotFoundError);
});

test('completes a chat, the same with the same seed', async () => {
  const options = { ...base, temperature: 0.9 };
  const first = await client.chat.completions.create(options);
  assert.equal(first.object, 'chat.completion');
  assert.equal(first.choices[0].message.role, 'assistant');
  assert.ok(first.choices[0].message.content.length > 0);
  assert.ok(['stop', 'length'].includes(first.choices[0].finish_reason));
  assert.equal(first.usage.total_tokens, first.usage.prompt_tokens + first.usage.completion_tokens);
  const again = await client.chat.completions.create(options);
  assert.equal(again.choices[0].message.content, first.choices[0].message.content);
  const other = await client.chat.completions.create({ ...options, seed: 8 });
  assert.notEqual(other.choices[0].message.content, first.choices[0].message.content);
});

test('streams the same text, with usage at the end', async () => {
  const whole = await client.chat.completions.create({ ...base, temperature: 0.9 });
  const stream = await client.chat.completions.create(
    { ...base, temperature: 0.9, stream: true, stream_options: { include_usage: true } });
  let text = '', finish = null, usage = null, chunks = 0;
  for await (const chunk of stream) {
    assert.equal(chunk.object, 'chat.completion.chunk');
    chunks++;
    if (chunk.choices.length > 0) {
      text += chunk.choices[0].delta.content ?? '';
      finish = chunk.choices[0].finish_reason ?? finish;
    } else {
      usage = chunk.usage;
    }
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(finish, whole.choices[0].finish_reason);
  assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
  assert.ok(chunks > 3);
});

test('the stream helper assembles a message', async () => {
  const runner = client.chat.completions.stream({ ...base });
  const final = await runner.finalChatCompletion();
  assert.ok(final.choices[0].message.content.length > 0);
});

test('stop strings end a text before them', async () => {
  const free = (await client.chat.completions.create({ ...base, max_tokens: 24 })).choices[0].message.content;
  const stop = free.slice(4, 7);
  const cut = await client.chat.completions.create({ ...base, max_tokens: 24, stop: [stop] });
  assert.equal(cut.choices[0].message.content, free.slice(0, free.indexOf(stop)));
  assert.equal(cut.choices[0].finish_reason, 'stop');
});

test('several choices share one prompt', async () => {
  const answer = await client.chat.completions.create({ ...base, temperature: 1.2, n: 3 });
  assert.deepEqual(answer.choices.map((choice) => choice.index), [0, 1, 2]);
  assert.ok(new Set(answer.choices.map((choice) => choice.message.content)).size > 1);
  const streamed = ['', '', ''];
  for await (const chunk of await client.chat.completions.create({ ...base, temperature: 1.2, n: 3, stream: true })) {
    for (const choice of chunk.choices) streamed[choice.index] += choice.delta.content ?? '';
  }
  assert.deepEqual(streamed, answer.choices.map((choice) => choice.message.content));
});

test('log-probabilities belong to the tokens of the text', async () => {
  const answer = await client.chat.completions.create({ ...base, logprobs: true, top_logprobs: 3 });
  const { content } = answer.choices[0].logprobs;
  assert.equal(content.length, answer.usage.completion_tokens);
  for (const token of content) {
    assert.ok(token.logprob <= 0);
    assert.equal(token.top_logprobs.length, 3);
    assert.ok(token.top_logprobs[0].logprob >= token.logprob - 1e-6);
    assert.ok(Array.isArray(token.bytes));
  }
  const bytes = content.flatMap((token) => token.bytes);
  assert.equal(Buffer.from(bytes).toString('utf8'), answer.choices[0].message.content);
  const streamed = [];
  for await (const chunk of await client.chat.completions.create({ ...base, logprobs: true, top_logprobs: 1, stream: true })) {
    streamed.push(...(chunk.choices[0]?.logprobs?.content ?? []));
  }
  assert.deepEqual(streamed.map((token) => token.token), content.map((token) => token.token));
});

test('logit_bias forbids a token', async () => {
  const plain = await client.chat.completions.create({ ...base, max_tokens: 1, logprobs: true, top_logprobs: 2 });
  const [best] = plain.choices[0].logprobs.content;
  const { tokens } = await (await fetch(`${url}/tokenize`, {
    method: 'POST', headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ content: best.token, add_special: false }) })).json();
  if (tokens.length !== 1) return;  // the token's text does not come back as that token
  const biased = await client.chat.completions.create(
    { ...base, max_tokens: 1, logprobs: true, logit_bias: { [tokens[0]]: -100 } });
  assert.notEqual(biased.choices[0].logprobs.content[0].token, best.token);
});

test('json_object and json_schema hold for a model that speaks nonsense', async () => {
  for (let seed = 0; seed < 4; seed++) {
    const answer = await client.chat.completions.create({
      ...base, seed, temperature: 1, max_tokens: 400,
      response_format: { type: 'json_schema', json_schema: { name: 'city', strict: true, schema: {
        type: 'object', additionalProperties: false, required: ['name', 'size', 'tags'],
        properties: { name: { type: 'string', maxLength: 12 }, size: { type: 'integer', minimum: 0, maximum: 99 },
                      tags: { type: 'array', maxItems: 2, items: { enum: ['old', 'new'] } } } } } } });
    assert.equal(answer.choices[0].finish_reason, 'stop');
    const city = JSON.parse(answer.choices[0].message.content);
    assert.equal(typeof city.name, 'string');
    assert.ok(Number.isInteger(city.size) && city.size >= 0 && city.size <= 99);
    assert.ok(city.tags.every((tag) => ['old', 'new'].includes(tag)));
  }
  const object = await client.chat.completions.create(
    { ...base, max_tokens: 40, response_format: { type: 'json_object' } });
  assert.equal(object.choices[0].message.content.trimStart()[0], '{');
  await assert.rejects(client.chat.completions.create({ ...base, response_format: { type: 'json_schema', json_schema: {
    name: 'x', schema: { type: 'object', unevaluatedProperties: false, properties: {} } } } }), OpenAI.BadRequestError);
});

test('tools: a forced call has arguments of the schema', async () => {
  const tools = [{ type: 'function', function: { name: 'weather', description: 'Of a city', parameters: {
    type: 'object', required: ['unit'], additionalProperties: false,
    properties: { unit: { enum: ['C', 'F'] } } } } }];
  const options = { ...base, max_tokens: 200, tools, tool_choice: { type: 'function', function: { name: 'weather' } } };
  const answer = await client.chat.completions.create(options);
  assert.equal(answer.choices[0].finish_reason, 'tool_calls');
  const [call] = answer.choices[0].message.tool_calls;
  assert.equal(call.function.name, 'weather');
  assert.ok(['C', 'F'].includes(JSON.parse(call.function.arguments).unit));
  // Its result goes back as a message.
  const next = await client.chat.completions.create({ ...base, tools, messages: [...messages,
    answer.choices[0].message, { role: 'tool', tool_call_id: call.id, content: '21' }] });
  assert.ok(next.choices.length === 1);
  const final = await client.chat.completions.stream(options).finalChatCompletion();
  assert.equal(final.choices[0].message.tool_calls[0].function.name, 'weather');
  assert.ok(['C', 'F'].includes(JSON.parse(final.choices[0].message.tool_calls[0].function.arguments).unit));
});

test('completions, echo and several prompts', async () => {
  const answer = await client.completions.create({ model: chatModel, prompt: 'Once', max_tokens: 6, echo: true });
  assert.equal(answer.object, 'text_completion');
  assert.ok(answer.choices[0].text.startsWith('Once'));
  const two = await client.completions.create({ model: chatModel, prompt: ['One', 'Two'], max_tokens: 4 });
  assert.equal(two.choices.length, 2);
});

test('embeddings: the SDK decodes our base64, dimensions shorten', async () => {
  const input = ['The pump weighs forty kilograms.', 'Leave expires in March.'];
  const coded = await client.embeddings.create({ model: embedModel, input });  // the SDK asks for base64
  const plain = await client.embeddings.create({ model: embedModel, input, encoding_format: 'float' });
  assert.equal(coded.data.length, 2);
  assert.deepEqual(coded.data.map((row) => row.index), [0, 1]);
  assert.ok(cosine(coded.data[0].embedding, plain.data[0].embedding) > 0.999999);
  assert.ok(coded.usage.prompt_tokens > 0);
  const short = await client.embeddings.create({ model: embedModel, input, dimensions: 64, encoding_format: 'float' });
  assert.equal(short.data[0].embedding.length, 64);
  assert.ok(Math.abs(short.data[0].embedding.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-4);
  await assert.rejects(client.embeddings.create({ model: embedModel, input, dimensions: 100000 }), OpenAI.BadRequestError);
  await assert.rejects(client.embeddings.create({ model: embedModel, input: [[1, 2, 3]] }),
    (error) => error.status === 400 && /check_embedding_ctx_length/.test(error.message));
});

test('errors are those that the SDK knows', async () => {
  await assert.rejects(client.chat.completions.create({ ...base, model: 'gpt-4o' }), OpenAI.NotFoundError);
  await assert.rejects(client.chat.completions.create({ ...base, temperature: 'hot' }),
    (error) => error instanceof OpenAI.BadRequestError && error.param === 'temperature');
  await assert.rejects(client.chat.completions.create({ ...base, max_tokens: -1 }),
    (error) => error.status === 400 && error.param === 'max_tokens');
  await assert.rejects(client.chat.completions.create({ ...base, messages: [{ role: 'user', content: 'word '.repeat(20000) }] }),
    (error) => error.status === 400 && error.code === 'context_length_exceeded' && /\d+.*\d+/.test(error.message));
  // Fields that we do not know change nothing.
  assert.ok(await client.chat.completions.create({ ...base, service_tier: 'auto', store: false, metadata: { a: 'b' } }));
  const stranger = new OpenAI({ apiKey: 'wrong', baseURL: `${url}/v1`, maxRetries: 0 });
  if (process.env.DOCMIND_KEY) await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
});

test('a chat over a collection is answered from it, with citations', async () => {
  const options = { model: 'docmind', messages: [{ role: 'user', content: 'How heavy is the pump?' }], max_tokens: 24 };
  const answer = await client.chat.completions.create(options);
  assert.ok(answer.choices[0].message.content.length > 0);
  assert.ok(Array.isArray(answer.docmind.citations));
  assert.equal(answer.docmind.collection, 'default');
  const { data, response } = await client.chat.completions.create({ ...options, model: chatModel, collection: 'default' })
    .withResponse();
  assert.equal(data.choices[0].message.content, answer.choices[0].message.content);
  assert.notEqual(response.headers.get('x-docmind-cache'), 'miss');  // asked before
  let text = '', extension = null;
  for await (const chunk of await client.chat.completions.create({ ...options, stream: true })) {
    text += chunk.choices[0]?.delta?.content ?? '';
    extension = chunk.docmind ?? extension;
  }
  assert.equal(text, answer.choices[0].message.content);
  assert.ok(extension.citations);
});

test('an aborted stream ends', async () => {
  const stream = await client.chat.completions.create({ ...base, max_tokens: 400, stream: true });
  for await (const chunk of stream) {
    assert.ok(chunk);
    stream.controller.abort();
    break;
  }
  assert.ok((await client.chat.completions.create(base)).choices.length === 1);
});
