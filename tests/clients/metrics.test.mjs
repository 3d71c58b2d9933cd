// A parser of Prometheus' text format reads /metrics.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import parsePrometheus from 'parse-prometheus-text-format';
import { headers, url } from './setup.mjs';

test('every family has help and type, histograms add up, names of other servers are there', async () => {
  await fetch(`${url}/v1/rag/query`, { method: 'POST', headers, body: JSON.stringify({ question: 'How heavy is the pump?' }) });
  const response = await fetch(`${url}/metrics`, { headers });
  assert.match(response.headers.get('content-type'), /^text\/plain/);
  const text = await response.text();
  const families = parsePrometheus(text);
  assert.ok(families.length > 20);
  const byName = new Map(families.map((family) => [family.name, family]));
  for (const family of families) {
    assert.notEqual(family.type, 'UNTYPED', family.name);
    assert.ok(family.help.length > 0, family.name);
  }
  // The parser merges histograms that differ in labels only, so their buckets are checked line by line.
  const counts = new Map(), totals = new Map();
  for (const [, name, labels, value] of text.matchAll(/^([a-z_:]+)_(?:bucket|count)\{?([^}]*)\}? (\d+)$/gm)) {
    const bucket = /,?le="([^"]+)"/.exec(labels);
    const series = `${name} ${labels.replace(/,?le="[^"]+"/, '')}`;
    if (!bucket) totals.set(series, Number(value));
    else counts.set(series, [...(counts.get(series) ?? []), [parseFloat(bucket[1].replace('+Inf', 'Infinity')), Number(value)]]);
  }
  assert.ok(counts.size > 10);
  for (const [series, buckets] of counts) {
    buckets.reduce((before, [bound, count]) => {
      assert.ok(bound > before[0] && count >= before[1], series);
      return [bound, count];
    }, [-1, 0]);
    assert.equal(buckets.at(-1)[0], Infinity);
    assert.equal(buckets.at(-1)[1], totals.get(series), series);
  }
  assert.equal(text.match(/^# TYPE (\S+)/gm).length, new Set(text.match(/^# TYPE (\S+)/gm)).size);
  for (const name of ['vllm:num_requests_running', 'vllm:time_to_first_token_seconds', 'llamacpp:requests_processing']) {
    assert.ok(byName.has(name), name);
  }
});
