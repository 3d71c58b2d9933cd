// stage_names: the stages of the server's measurements in words, in the order in which they come, with their colours.
// SPDX-License-Identifier: Apache-2.0

interface Stage {
  name: string;
  color: string; // custom property
}

const STAGES: Record<string, Stage> = {
  queue: { name: 'Waiting', color: '--c-grey' },
  cache_lookup: { name: 'Cache lookup', color: '--c-teal' },
  embed_question: { name: 'Embed question', color: '--c-violet' },
  retrieve_lexical: { name: 'Search words', color: '--c-blue' },
  retrieve_vector: { name: 'Search vectors', color: '--c-sky' },
  fuse: { name: 'Merge', color: '--c-pink' },
  rerank: { name: 'Rerank', color: '--c-amber' },
  prefill: { name: 'Read prompt', color: '--c-red' },
  first_token: { name: 'First token', color: '--c-red' },
  generate: { name: 'Generate', color: '--c-green' },
  decode: { name: 'Write text', color: '--c-green' },
  between_tokens: { name: 'Between tokens', color: '--c-grey' },
  cite: { name: 'Cite', color: '--c-pink' },
  cache_store: { name: 'Keep in cache', color: '--c-teal' },
  total_ask: { name: 'Whole answer', color: '--text' },
  total_search: { name: 'Whole search', color: '--text' },
  total_request: { name: 'Whole request', color: '--text' },
  embed_request: { name: 'Embedding requests', color: '--c-violet' },
  rerank_request: { name: 'Rerank requests', color: '--c-amber' },
  scan: { name: 'Find files', color: '--c-grey' },
  read: { name: 'Read files', color: '--c-grey' },
  parse: { name: 'Parse files', color: '--c-blue' },
  chunk: { name: 'Cut into passages', color: '--c-sky' },
  embed: { name: 'Embed passages', color: '--c-violet' },
  train: { name: 'Train word model', color: '--c-amber' },
  store: { name: 'Store passages', color: '--c-teal' },
  total_index: { name: 'Whole index run', color: '--text' },
};

const ORDER = Object.keys(STAGES);

export function stageName(stage: string): string {
  const words = stage.replaceAll('_', ' ');
  return STAGES[stage]?.name ?? words.charAt(0).toUpperCase() + words.slice(1);
}

export function stageColor(stage: string): string {
  return STAGES[stage]?.color ?? '--c-grey';
}

// Known stages as they follow one another, others behind them.
export function inStageOrder(stages: string[]): string[] {
  const place = (stage: string): number => {
    const index = ORDER.indexOf(stage);
    return index < 0 ? ORDER.length : index;
  };
  return [...stages].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}
