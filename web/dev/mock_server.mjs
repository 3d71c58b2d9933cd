// mock_server: the server's API with plausible data, for work on the page and for its tests: mock_server.mjs [PORT]
// SPDX-License-Identifier: Apache-2.0
// DOCMIND_MOCK_KEY wants a key; DOCMIND_MOCK_EMPTY=1 begins without documents, DOCMIND_MOCK_MODEL=0 without a language model.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import { decisionsAt, historyOf, statsAt } from './mock_data.mjs';
import { Documents } from './mock_documents.mjs';

const DIST = process.env.DOCMIND_PAGE_DIST ?? fileURLToPath(new URL('../dist', import.meta.url));
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
// As the server sends it.
const POLICY =
  "default-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Mock {
  constructor(options) {
    this.options = options;
    this.startMs = Date.now();
    this.collections = new Map([['default', new Documents(!options.empty)]]);
    this.answers = new Map(); // by question in small letters
    this.feedback = [];
    this.counts = { questions: 0, hits: 0 };
  }

  documents(url) {
    return this.collections.get(url.searchParams.get('collection') ?? 'default');
  }

  stats() {
    const documents = this.collections.get('default');
    return statsAt(Date.now(), this.startMs, this.options.model, {
      ...this.counts,
      documents: documents.list.size,
      chunks: documents.chunks,
    });
  }
}

function json(response, value, status = 200) {
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(value));
}

function fail(response, status, message, code = '') {
  json(response, { error: { message, type: 'invalid_request_error', param: null, code } }, status);
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

function stream(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  response.flushHeaders();
  return (event, data) =>
    response.write(
      `${event ? `event: ${event}\n` : ''}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`,
    );
}

function filesOf(body, contentType) {
  const boundary = Buffer.from(`--${/boundary=(.+)$/.exec(contentType)?.[1] ?? ''}`);
  const files = [];
  for (let at = body.indexOf(boundary); at >= 0; ) {
    const next = body.indexOf(boundary, at + boundary.length);
    if (next < 0) break;
    const head = body.indexOf('\r\n\r\n', at);
    const name = /filename="([^"]*)"/.exec(body.subarray(at, head).toString('utf8'))?.[1];
    if (name) files.push({ name, bytes: body.subarray(head + 4, next - 2) });
    at = next;
  }
  return files;
}

function answerOf(mock, query, found, stageScale) {
  const stages = [
    ['queue', 0.2],
    ['cache_lookup', 0.1],
    ['embed_question', 7.4],
    ['retrieve_lexical', 1.1],
    ['retrieve_vector', 0.9],
    ['fuse', 0.03],
    ['rerank', 84],
    ['prefill', 310],
    ['decode', 640],
    ['cite', 0.4],
  ].map(([stage, ms]) => ({ stage, ms: ms * stageScale }));
  const quotes = found.map(({ passage }) => /^.*?[.!?](?=\s|$)/s.exec(passage.text)?.[0].trim() ?? passage.text);
  const text =
    found.length === 0
      ? 'The documents say nothing about that.'
      : quotes.map((quote, index) => `${quote.replace(/\s+/g, ' ')} [${index + 1}]`).join('\n\n');
  const total = stages.reduce((sum, { ms }) => sum + ms, 0) + 3;
  return {
    object: 'rag.answer',
    collection: query.collection ?? 'default',
    question: query.question,
    text,
    answer: text,
    answered: found.length > 0,
    citations: found.map(({ document, passage }, index) => ({
      number: index + 1,
      path: document.path,
      title: '',
      heading: passage.heading,
      start_line: passage.start_line,
      end_line: passage.end_line,
      page: null,
      end_page: null,
      quotes: [quotes[index].replace(/\s+/g, ' ')],
      changed_on_disk: false,
      document_id: document.id,
      name: document.name,
    })),
    provider: mock.options.model ? 'native:qwen3-0.6b' : 'extractive',
    cache: 'miss',
    stale: false,
    cache_id: found.length > 0 ? mock.answers.size + 1 : 0,
    cached: null,
    total_ms: total,
    trace: { stages, total_ms: total },
  };
}

// From the mock's cache: the same words, in any order for a near one.
function cachedAnswer(mock, query) {
  const key = query.question.trim().toLowerCase();
  const words = (text) =>
    text
      .match(/[\p{L}\p{N}]+/gu)
      ?.sort()
      .join(' ') ?? '';
  const exact = mock.answers.get(key);
  const near = exact ?? [...mock.answers].find(([other]) => words(other) === words(key))?.[1];
  if (!near || query.refresh) return null;
  const trace = { stages: [{ stage: 'cache_lookup', ms: 0.06 }], total_ms: 0.09 };
  return {
    ...near,
    question: query.question,
    cache: 'memory',
    trace,
    total_ms: 0.09,
    cached: {
      id: near.cache_id,
      question: near.question,
      similarity: exact ? 1 : 0.94,
      agreement: 1,
      probability: null,
      verified: false,
      evidence_checked: !exact,
      age_ms: Date.now() - near.made_ms,
      saved_ms: near.total_ms,
      saved_tokens: 61,
    },
  };
}

const LONG = `## What the recorder does\n\nIt records **two channels** and keeps them as \`WAV\` [1].\n\n1. Put in a card\n2. Press the red button\n   - a short press begins\n   - a long press stops\n\n\`\`\`sh\nfr220 --list\n\`\`\`\n\n${'The recorder keeps on recording for as long as there is room on the card. '.repeat(30)}`;

async function ragQuery(mock, request, response) {
  const query = JSON.parse(await bodyOf(request));
  const documents = mock.collections.get(query.collection ?? 'default');
  mock.counts.questions += 1;
  const cached = cachedAnswer(mock, query);
  if (cached) mock.counts.hits += 1;
  const found = documents.search(query.question);
  const answer = cached ?? answerOf(mock, query, found, 1);
  if (!cached && /in detail/.test(query.question)) answer.text = LONG;
  if (!cached && found.length > 0)
    mock.answers.set(query.question.trim().toLowerCase(), { ...answer, made_ms: Date.now() });
  const send = stream(response);
  if (/fail/.test(query.question)) {
    send('error', {
      error: {
        message: 'the language model stopped: its KV budget of 1.5 GiB is used up',
        type: 'server_error',
        param: null,
        code: 'busy',
      },
    });
    return response.end();
  }
  if (!cached) await sleep(200);
  for (const piece of cached ? [answer.text] : answer.text.split(/(?<= )/)) {
    if (response.destroyed) return undefined;
    send('delta', { text: piece });
    if (!cached) await sleep(25);
  }
  send('answer', answer);
  return response.end();
}

async function chat(request, response) {
  const { messages } = JSON.parse(await bodyOf(request));
  const send = stream(response);
  const text = `You asked: ${messages[messages.length - 1].content}\n\nA model without documents answers from memory, and may be **wrong**.`;
  const chunk = (choice, usage = null) => ({
    id: 'c1',
    object: 'chat.completion.chunk',
    choices: choice ? [choice] : [],
    usage,
  });
  for (const piece of text.split(/(?<= )/)) {
    if (response.destroyed) return;
    send('', chunk({ index: 0, delta: { content: piece }, finish_reason: null }));
    await sleep(20);
  }
  send('', chunk({ index: 0, delta: {}, finish_reason: 'stop' }));
  send('', chunk(null, { prompt_tokens: 12, completion_tokens: 24, total_tokens: 36 }));
  send('', '[DONE]');
  response.end();
}

// `next` gives an event, or null; asked ten times a second.
async function feed(request, response, everyMs, next) {
  const send = stream(response);
  while (!response.destroyed && !request.destroyed) {
    const event = next();
    if (event) send(...event);
    await sleep(everyMs);
  }
}

function indexFeed(mock, url, request, response) {
  const documents = mock.documents(url);
  let seen = -1;
  let was = false;
  return feed(request, response, 100, () => {
    if (documents.version === seen) return null;
    seen = documents.version;
    const ended = was && !documents.job.running;
    was = documents.job.running;
    return [ended ? 'done' : 'progress', documents.job];
  });
}

async function upload(mock, url, request, response) {
  const files = filesOf(await bodyOf(request), request.headers['content-type'] ?? '');
  const added = [];
  for (const { name, bytes } of files) {
    const document = mock.documents(url).add(name, bytes);
    if (typeof document === 'string') return fail(response, 400, document, 'unsupported');
    added.push(mock.documents(url).info(document));
  }
  return json(response, { object: 'list', data: added, job: mock.documents(url).job.job }, 202);
}

function oneDocument(mock, url, id, request, response) {
  const documents = mock.documents(url);
  const document = documents?.list.get(id);
  if (!document) return fail(response, 404, `there is no document '${id}'`);
  if (request.method === 'DELETE') {
    documents.list.delete(id);
    return json(response, { id, deleted: true });
  }
  return json(response, { ...documents.info(document), passages: document.passages });
}

async function api(mock, url, request, response) {
  const { options } = mock;
  const path = url.pathname;
  if (options.key && request.headers.authorization !== `Bearer ${options.key}`)
    return fail(response, 401, 'this server wants an API key', 'invalid_api_key');
  const documents = mock.documents(url);
  if (!documents) return fail(response, 404, `there is no collection '${url.searchParams.get('collection')}'`);
  const post = request.method === 'POST';
  if (path === '/v1/rag/query') return ragQuery(mock, request, response);
  if (path === '/v1/chat/completions') return chat(request, response);
  if (path === '/v1/stats/events') return feed(request, response, 1000, () => ['stats', mock.stats()]);
  if (path === '/v1/stats/history')
    return json(response, historyOf(Number(url.searchParams.get('minutes') ?? 15), Date.now()));
  if (path === '/v1/stats') return json(response, mock.stats());
  if (path === '/v1/decisions') return json(response, decisionsAt(Date.now()));
  if (path === '/v1/collections' && post) {
    const { name } = JSON.parse(await bodyOf(request));
    if (mock.collections.has(name)) return fail(response, 409, `there is a collection '${name}' already`);
    mock.collections.set(name, new Documents(false));
    return json(response, { name }, 201);
  }
  if (path === '/v1/collections') {
    return json(response, {
      object: 'list',
      data: [...mock.collections].map(([name, { list, chunks }]) => ({ name, documents: list.size, chunks })),
    });
  }
  if (path === '/v1/documents' && post) return upload(mock, url, request, response);
  if (path === '/v1/documents') {
    return json(response, {
      object: 'list',
      data: [...documents.list.values()].map((document) => documents.info(document)),
      index: documents.job,
    });
  }
  if (path.startsWith('/v1/documents/')) return oneDocument(mock, url, path.slice(14), request, response);
  if (path === '/v1/index/events') return indexFeed(mock, url, request, response);
  if (path === '/v1/cache/feedback') {
    mock.feedback.push(JSON.parse(await bodyOf(request)));
    return json(response, { ok: true });
  }
  return fail(response, 404, `there is nothing at ${path}`);
}

function page(url, response) {
  const path = normalize(url.pathname === '/' ? '/index.html' : url.pathname);
  try {
    const bytes = readFileSync(join(DIST, path));
    response
      .writeHead(200, {
        'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
      })
      .end(bytes);
  } catch {
    fail(response, 404, `there is nothing at ${url.pathname}`);
  }
}

// {url, close()}. `key`: empty for none; `port` 0: any.
export function startMock({ port = 0, key = '', empty = false, model = true } = {}) {
  const mock = new Mock({ key, empty, model });
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://mock');
    if (!url.pathname.startsWith('/v1/')) return page(url, response);
    return api(mock, url, request, response).catch((error) =>
      response.headersSent ? response.destroy() : fail(response, 500, error.message),
    );
  });
  return new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () =>
      resolve({
        url: `http://127.0.0.1:${server.address().port}`,
        feedback: mock.feedback,
        close: () =>
          new Promise((closed) => {
            server.close(closed);
            server.closeAllConnections();
          }),
      }),
    );
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { env } = process;
  const { url } = await startMock({
    port: Number(process.argv[2] ?? 8080),
    key: env.DOCMIND_MOCK_KEY ?? '',
    empty: env.DOCMIND_MOCK_EMPTY === '1',
    model: env.DOCMIND_MOCK_MODEL !== '0',
  });
  console.log(`mock server at ${url}`);
}
