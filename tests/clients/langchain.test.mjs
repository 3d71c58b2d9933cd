// @langchain/openai, unmodified: retrieval by its embeddings, an answer by its chat model.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import { chatModel, cosine, embedModel, key, url } from './setup.mjs';

const configuration = { baseURL: `${url}/v1` };

test('embeds documents and a question, and answers with what is nearest', async () => {
  const embeddings = new OpenAIEmbeddings({ model: embedModel, apiKey: key, configuration });
  const documents = ['The pump weighs forty kilograms.', 'Leave expires in March.', 'The boiler hums.'];
  const vectors = await embeddings.embedDocuments(documents);
  const question = await embeddings.embedQuery(documents[1]);
  const nearest = vectors.map((vector) => cosine(vector, question)).reduce((best, x, i, all) => (x > all[best] ? i : best), 0);
  assert.equal(nearest, 1);
  const chat = new ChatOpenAI({ model: chatModel, apiKey: key, configuration, maxTokens: 10, temperature: 0 });
  const prompt = [new SystemMessage(`Use: ${documents[nearest]}`), new HumanMessage('When does leave expire?')];
  const answer = await chat.invoke(prompt);
  assert.ok(answer.content.length > 0 && answer.usage_metadata.output_tokens > 0);
  let streamed = '';
  for await (const chunk of await chat.stream(prompt)) streamed += chunk.content;
  assert.equal(streamed, answer.content);
});

test('structured output', async () => {
  const chat = new ChatOpenAI({ model: chatModel, apiKey: key, configuration, maxTokens: 200 });
  const shaped = chat.withStructuredOutput({ title: 'size', type: 'object', required: ['size'], additionalProperties: false,
    properties: { size: { type: 'integer', minimum: 0, maximum: 9 } } }, { method: 'jsonSchema' });
  assert.ok(Number.isInteger((await shaped.invoke('A size?')).size));
});
