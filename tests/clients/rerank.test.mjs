// Rerankers: npm cohere-ai unmodified, and the requests that Open WebUI and LlamaIndex's TEI client send.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CohereClient, CohereClientV2 } from 'cohere-ai';
import { headers, key, rerankModel, url } from './setup.mjs';

const query = 'How heavy is the pump?';
const documents = ['Leave expires in March.', 'The pump weighs forty kilograms.', 'Nothing here.'];
const post = async (path, body) => {
  const response = await fetch(url + path, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' },
                                             body: JSON.stringify(body) });
  return { status: response.status, headers: response.headers, body: await response.json() };
};

test('cohere-ai, versions 1 and 2', async () => {
  for (const Client of [CohereClient, CohereClientV2]) {
    const client = new Client({ token: key, environment: url });
    const { results } = await client.rerank({ model: rerankModel, query, documents, topN: 2 });
    assert.equal(results.length, 2);
    assert.ok(results[0].relevanceScore >= results[1].relevanceScore);
    assert.ok(results.every((result) => result.index >= 0 && result.index < 3));
  }
});

test('the request of Open WebUI gets every document back', async () => {
  const { status, body } = await post('/v1/rerank', { model: rerankModel, query, documents, top_n: documents.length });
  assert.equal(status, 200);
  assert.deepEqual(body.results.map((result) => result.index).sort(), [0, 1, 2]);
  assert.ok(body.results.every((result) => typeof result.relevance_score === 'number'));
  const objects = await post('/rerank', { query, documents: documents.map((text) => ({ text })), return_documents: true });
  assert.equal(typeof objects.body.results[0].document.text, 'string');
});

test("text-embeddings-inference's shapes on the same path", async () => {
  const ranked = await post('/rerank', { query, texts: documents, return_text: true });
  assert.equal(ranked.body.length, 3);
  assert.ok(ranked.body[0].score >= ranked.body[2].score && ranked.body[0].text);
  const raw = await post('/rerank', { query, texts: documents, raw_scores: true });
  const byIndex = (rows) => rows.toSorted((a, b) => a.index - b.index).map((row) => row.score);
  byIndex(raw.body).forEach((logit, i) => assert.ok(Math.abs(1 / (1 + Math.exp(-logit)) - byIndex(ranked.body)[i]) < 1e-5));
  const vectors = await post('/embed', { inputs: documents });
  assert.equal(vectors.body.length, 3);
  const info = await (await fetch(`${url}/info`, { headers })).json();
  assert.ok(info.max_input_length > 0 && info.model_id);
  const long = await post('/embed', { inputs: 'pump '.repeat(5000), truncate: false });
  assert.ok(long.status >= 400 && long.body.error_type);
});
