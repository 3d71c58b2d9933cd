// format: numbers as people read them.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './load.mjs';

const format = await load('format.ts');

function table(name, rows) {
  test(name, () => {
    for (const [input, expected] of rows)
      assert.equal(format[name](input), expected, `${name}(${JSON.stringify(input)})`);
  });
}

table('formatBytes', [
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [150 * 1024, '150 KiB'],
  [3.25 * 2 ** 30, '3.3 GiB'],
  [2 ** 50, '1024 TiB'],
  [null, '–'],
  [undefined, '–'],
  [Number.NaN, '–'],
]);
table('formatMs', [
  [0, '0 ms'],
  [0.0004, '0 µs'],
  [0.42, '420 µs'],
  [1, '1.0 ms'],
  [99.9, '99.9 ms'],
  [312.4, '312 ms'],
  [999.6, '1.00 s'],
  [1240, '1.24 s'],
  [59_940, '59.94 s'],
  [200_000, '3 min 20 s'],
  [null, '–'],
]);
table('formatSpan', [
  [0, '0 s'],
  [45.4, '45 s'],
  [60, '1 min'],
  [200, '3 min 20 s'],
  [7_500, '2 h 5 min'],
  [90_000, '1 d 1 h'],
  [-3, '0 s'],
  [null, '–'],
]);
table('formatPercent', [
  [0, '0%'],
  [0.004, '0.4%'],
  [0.0994, '9.9%'],
  [0.345, '35%'],
  [1, '100%'],
  [null, '–'],
]);
table('formatCount', [
  [0, '0'],
  [999, '999'],
  [1000, '1,000'],
  [1234567.8, '1,234,568'],
  [null, '–'],
]);
table('formatNumber', [
  [0, '0'],
  [3, '3'],
  [0.534, '0.53'],
  [12.34, '12.3'],
  [123.4, '123'],
  [99.96, '100'],
  [null, '–'],
]);
table('formatAge', [
  [400, 'just now'],
  [65_000, '1 min 5 s ago'],
  [null, '–'],
]);
table('formatPlace', [
  [{ start_line: 12, end_line: 12 }, 'line 12'],
  [{ start_line: 12, end_line: 30 }, 'lines 12–30'],
  [{ page: 3, end_page: 3, start_line: 1 }, 'page 3'],
  [{ page: 3, end_page: 4 }, 'pages 3–4'],
  [{ page: 0, start_line: 2 }, 'line 2'],
  [{}, ''],
]);

test('plural', () => {
  assert.equal(format.plural(1, 'passage'), '1 passage');
  assert.equal(format.plural(1200, 'passage'), '1,200 passages');
});

test('formatClock is of the local time', () => {
  const time = new Date(2026, 10, 27, 9, 5, 3);
  assert.equal(format.formatClock(time.getTime()), '09:05:03');
  assert.equal(format.formatDate(time.getTime()), '2026-11-27 09:05');
});
