// api: requests to the server, with the key when it wants one, and errors as its own sentences.
// SPDX-License-Identifier: Apache-2.0
import { askForKey, storedKey } from './key';
import { SseParser, type SseEvent } from './sse';

// A request that failed. `status` 0: the server could not be reached.
export class ApiFailure extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code = '',
    readonly retryAfterS: number | null = null,
  ) {
    super(message);
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// Relative to the page, which may lie below a path of a proxy.
export function urlOf(path: string): string {
  return new URL(path, document.baseURI).href;
}

export function withQuery(path: string, query: Record<string, string | number>): string {
  const values = new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)]));
  return `${path}?${values}`;
}

// Of an error body in OpenAI's shape, or whatever else came.
export function failureOf(status: number, body: string, retryAfter: string | null = null): ApiFailure {
  let message = '';
  let code = '';
  try {
    const error: unknown = (JSON.parse(body) as { error?: unknown }).error;
    if (typeof error === 'string') message = error;
    if (error !== null && typeof error === 'object') {
      const fields = error as { message?: unknown; code?: unknown };
      if (typeof fields.message === 'string') message = fields.message;
      if (typeof fields.code === 'string') code = fields.code;
    }
  } catch {
    // Not JSON: a proxy's page, say.
  }
  const retry = Number.parseInt(retryAfter ?? '', 10);
  const seconds = Number.isFinite(retry) ? retry : null;
  message ||= status === 0 ? 'The server cannot be reached' : `The server answered with status ${status}`;
  if (seconds !== null) message += ` (try again in ${seconds} s)`;
  return new ApiFailure(message, status, code, seconds);
}

async function fetchOnce(path: string, init: RequestInit, key: string): Promise<Response> {
  const headers = new Headers(init.headers);
  if (key !== '') headers.set('authorization', `Bearer ${key}`);
  try {
    return await fetch(urlOf(path), { ...init, headers, cache: 'no-store', redirect: 'error' });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw failureOf(0, '');
  }
}

// The response to a request that succeeded. Asks for the key as often as the server refuses one.
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  for (;;) {
    const key = storedKey();
    const response = await fetchOnce(path, init, key);
    if (response.ok) return response;
    const failure = failureOf(response.status, await response.text(), response.headers.get('retry-after'));
    if (response.status !== 401) throw failure;
    // Another request may have asked in the meantime.
    if (storedKey() === key && !(await askForKey(key !== ''))) throw failure;
  }
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await send(path, signal ? { signal } : {});
  return (await response.json()) as T;
}

export async function sendJson<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method };
  if (body !== undefined) {
    init.headers = { 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  const response = await send(path, init);
  return (await response.json()) as T;
}

// The events of a stream, until it ends or `signal` is raised. With a body it is a POST.
export async function* events(path: string, signal: AbortSignal, body?: unknown): AsyncGenerator<SseEvent> {
  const init: RequestInit = { signal, headers: { accept: 'text/event-stream' } };
  if (body !== undefined) {
    init.method = 'POST';
    init.headers = { ...init.headers, 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  const response = await send(path, init);
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new SseParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(value);
    }
  } catch (error) {
    if (isAbort(error) || error instanceof ApiFailure) throw error;
    throw new ApiFailure('The connection to the server broke off', 0);
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

export interface Upload {
  collection: string;
  file: File;
  onProgress: (sentBytes: number) => void;
}

// fetch tells nothing of what was sent so far; XMLHttpRequest does.
function uploadOnce(upload: Upload, key: string): Promise<ApiFailure | null> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open('POST', urlOf(withQuery('v1/documents', { collection: upload.collection })));
    if (key !== '') request.setRequestHeader('authorization', `Bearer ${key}`);
    request.upload.onprogress = (event) => upload.onProgress(event.loaded);
    request.onload = () => {
      const ok = request.status >= 200 && request.status < 300;
      resolve(ok ? null : failureOf(request.status, request.responseText, request.getResponseHeader('retry-after')));
    };
    request.onerror = () => resolve(failureOf(0, ''));
    const form = new FormData();
    form.append('file', upload.file, upload.file.name);
    request.send(form);
  });
}

export async function sendFile(upload: Upload): Promise<void> {
  for (;;) {
    const key = storedKey();
    const failure = await uploadOnce(upload, key);
    if (!failure) return;
    if (failure.status !== 401) throw failure;
    if (storedKey() === key && !(await askForKey(key !== ''))) throw failure;
  }
}
