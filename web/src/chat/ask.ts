// ask: one question to the documents or to the language model, its answer as it comes.
// SPDX-License-Identifier: Apache-2.0
import { ApiFailure, events, failureOf } from '../api';
import type { RagAnswer } from '../types';

export interface DocumentsQuestion {
  question: string;
  collection: string;
  refresh: boolean; // not from the cache
}

export type OnText = (piece: string) => void;

const BROKEN_OFF = 'The answer broke off before its end';

export async function askDocuments(
  query: DocumentsQuestion,
  signal: AbortSignal,
  onText: OnText,
): Promise<RagAnswer> {
  for await (const event of events('v1/rag/query', signal, { ...query, stream: true })) {
    if (event.event === 'delta') onText((JSON.parse(event.data) as { text: string }).text);
    if (event.event === 'answer') return JSON.parse(event.data) as RagAnswer;
    if (event.event === 'error') throw failureOf(500, event.data);
  }
  throw new ApiFailure(BROKEN_OFF, 0);
}

export interface Message {
  role: 'user' | 'assistant';
  content: string;
}

export interface ModelAnswer {
  n_tokens: number;
  cut: boolean; // the token limit ended it
}

interface Chunk {
  error?: unknown;
  usage?: { completion_tokens?: number } | null;
  choices?: { delta?: { content?: string | null }; finish_reason?: string | null }[];
}

export async function askModel(
  model: string,
  messages: Message[],
  signal: AbortSignal,
  onText: OnText,
): Promise<ModelAnswer> {
  const body = { model, messages, stream: true, stream_options: { include_usage: true } };
  const answer: ModelAnswer = { n_tokens: 0, cut: false };
  let ended = false;
  for await (const event of events('v1/chat/completions', signal, body)) {
    if (event.data === '[DONE]') return answer;
    const chunk = JSON.parse(event.data) as Chunk;
    if (chunk.error) throw failureOf(500, event.data);
    const choice = chunk.choices?.[0];
    if (choice?.delta?.content) onText(choice.delta.content);
    if (choice?.finish_reason) {
      ended = true;
      answer.cut = choice.finish_reason === 'length';
    }
    answer.n_tokens = chunk.usage?.completion_tokens ?? answer.n_tokens;
  }
  if (!ended) throw new ApiFailure(BROKEN_OFF, 0);
  return answer;
}
