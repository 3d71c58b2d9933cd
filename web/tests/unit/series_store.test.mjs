// SeriesStore: history and live values become one series.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { statsAt } from '../../dev/mock_data.mjs';
import { load } from './load.mjs';

const { SeriesStore } = await load('performance/series_store.ts');

const counts = { questions: 0, hits: 0, documents: 1, chunks: 1 };
const stats = (seconds, changes = {}) => statsAt(seconds * 1000, 0, true, { ...counts, ...changes });

test('live values follow the history, each second once, and old ones go', () => {
  const store = new SeriesStore();
  store.load({ step_ms: 1000, unix_ms: [1000, 2000, 3000], series: { rss_bytes: [1, 2, 3] } }, 3000);
  store.append(stats(3)); // known already
  assert.deepEqual(store.times, [1, 2, 3]);
  store.append(stats(4));
  store.append(stats(5));
  assert.deepEqual(store.times, [2, 3, 4, 5]);
  assert.equal(store.of('rss_bytes').length, 4);
  assert.equal(store.of('rss_bytes')[0], 2);
});

test('a series that begins late has nothing before', () => {
  const store = new SeriesStore();
  store.load({ step_ms: 1000, unix_ms: [1000, 2000], series: { rss_bytes: [1, 2] } }, 60_000);
  store.append(stats(3));
  assert.deepEqual(store.of('embed_fill').slice(0, 2), [null, null]);
  assert.equal(typeof store.of('embed_fill')[2], 'number');
  assert.deepEqual(store.of('nothing'), [null, null, null]);
});

test('the hit rate of a second is the growth of the counts', () => {
  const store = new SeriesStore();
  store.load({ step_ms: 1000, unix_ms: [], series: {} }, 60_000);
  store.append(stats(1));
  store.append(stats(2, { questions: 4, hits: 1 }));
  store.append(stats(3, { questions: 4, hits: 1 }));
  assert.deepEqual(store.of('cache_hit_rate'), [null, 0.25, null]);
});

test('coarse histories take no live values', () => {
  const store = new SeriesStore();
  store.load({ step_ms: 10_000, unix_ms: [10_000], series: { rss_bytes: [1] } }, 7_200_000);
  store.append(stats(21));
  assert.deepEqual(store.times, [10]);
});
