// Real answers have the shapes that /openapi.json promises.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Ajv2020 from 'ajv/dist/2020.js';
import { chatModel, embedModel, headers, rerankModel, url } from './setup.mjs';

const document = await (await fetch(`${url}/openapi.json`)).json();
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema(document, 'doc');

// The schema of a response, by its place in the document.
function validator(path, method, status) {
  const escape = (part) => part.replaceAll('~', '~0').replaceAll('/', '~1');
  const responses = document.paths[path][method].responses;
  const key = responses[status] ? status : 'default';
  assert.ok(responses[key], `${method} ${path} has no response ${status}`);
  return ajv.compile({ $ref: `doc#/paths/${escape(path)}/${method}/responses/${key}/content/application~1json/schema` });
}

async function check(path, { method = 'get', body, at = path, status = 200 } = {}) {
  const response = await fetch(url + at, { method: method.toUpperCase(), headers: { ...headers, 'content-type': 'application/json' },
                                           body: body && JSON.stringify(body) });
  const json = await response.json();
  assert.equal(response.status, status, JSON.stringify(json));
  const validate = validator(path, method, String(status));
  assert.ok(validate(json), `${path}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(json, null, 1).slice(0, 2000)}`);
  assert.ok(response.headers.get('x-request-id'));
  return json;
}

test('answers', async () => {
  const messages = [{ role: 'user', content: 'How heavy is the pump?' }];
  await check('/v1/chat/completions', { method: 'post', body: { model: chatModel, messages, max_tokens: 4 } });
  await check('/v1/chat/completions', { method: 'post', body: { model: 'docmind', messages, max_tokens: 4 } });
  await check('/v1/completions', { method: 'post', body: { model: chatModel, prompt: 'One', max_tokens: 4 } });
  await check('/v1/embeddings', { method: 'post', body: { model: embedModel, input: 'One' } });
  await check('/v1/rerank', { method: 'post', body: { model: rerankModel, query: 'pump', documents: ['a', 'b'] } });
  await check('/v1/rag/query', { method: 'post', body: { question: 'How heavy is the pump?', max_tokens: 8 } });
  await check('/v1/search', { method: 'post', body: { query: 'pump' } });
  await check('/v1/models');
  await check('/v1/models/{id}', { at: `/v1/models/${chatModel}` });
});

test('documents', async () => {
  await check('/v1/collections');
  const { data } = await check('/v1/documents');
  assert.ok(data.length > 0);
  await check('/v1/documents/{id}', { at: `/v1/documents/${data[0].id}` });
  await check('/v1/index');
});

test('operation', async () => {
  for (const path of ['/v1/cache', '/v1/cache/entries', '/v1/stats', '/v1/stats/history', '/v1/decisions', '/health',
                      '/health/live', '/health/ready']) {
    await check(path);
  }
});

test('errors', async () => {
  await check('/v1/chat/completions', { method: 'post', body: { messages: 'no' }, status: 400 });
  await check('/v1/models/{id}', { at: '/v1/models/nowhere', status: 404 });
  await check('/v1/documents/{id}', { at: '/v1/documents/00', status: 404 });
  await check('/v1/rag/query', { method: 'post', body: { question: 'x', top_k: -1 }, status: 400 });
  await check('/v1/rag/query', { method: 'post', body: { question: 'x', collection: '../etc' }, status: 400 });
});

test('the header with the trace has milliseconds', async () => {
  const response = await fetch(`${url}/v1/rag/query`, { method: 'POST', headers, body: JSON.stringify({ question: 'When does leave expire?', max_tokens: 4 }) });
  assert.match(response.headers.get('x-docmind-trace'), /total=\d+(\.\d+)?$/);
  assert.match(response.headers.get('x-docmind-cache'), /^(miss|memory|disk|near|shared|off)$/);
});
