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
    if (family.type !== 'HISTOGRAM') continue;
    for (const metric of family.metrics) {
      const counts = Object.entries(metric.buckets).sort((a, b) => parseFloat(a[0].replace('+Inf', 'Infinity')) - parseFloat(b[0].replace('+Inf', 'Infinity')))
        .map(([, count]) => Number(count));
      counts.reduce((before, count) => { assert.ok(count >= before, family.name); return count; }, 0);
      assert.equal(counts.at(-1), Number(metric.count), family.name);
    }
  }
  assert.equal(text.match(/^# TYPE (\S+)/gm).length, new Set(text.match(/^# TYPE (\S+)/gm)).size);
  for (const name of ['vllm:num_requests_running', 'vllm:time_to_first_token_seconds', 'llamacpp:requests_processing']) {
    assert.ok(byName.has(name), name);
  }
});
