// source_text: which lines of a document a citation means.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './load.mjs';

const { quoteRanges, sourceLines } = await load('chat/source_text.ts');

const passage = { heading: '', text: 'one two\nthree (four)\nfive', start_line: 4, end_line: 6 };
const citation = (values) => ({ number: 1, start_line: 4, end_line: 6, quotes: [], ...values });

test('a quote is found across line ends, and its marks are no pattern', () => {
  assert.deepEqual(quoteRanges(passage.text, ['two three (four)']), [[4, 20]]);
  assert.deepEqual(quoteRanges(passage.text, ['.*', '']), []);
});

test('ranges that overlap are one', () => {
  assert.deepEqual(quoteRanges('a b c d', ['b c', 'c d', 'a']), [
    [0, 1],
    [2, 7],
  ]);
});

test('lines have their numbers, and the quote is marked in each', () => {
  assert.deepEqual(sourceLines(passage, citation({ start_line: 4, end_line: 5, quotes: ['two three'] })), [
    {
      number: 4,
      cited: true,
      pieces: [
        { text: 'one ', quoted: false },
        { text: 'two', quoted: true },
      ],
    },
    {
      number: 5,
      cited: true,
      pieces: [
        { text: 'three', quoted: true },
        { text: ' (four)', quoted: false },
      ],
    },
    { number: 6, cited: false, pieces: [{ text: 'five', quoted: false }] },
  ]);
});

test('without line numbers the whole passage is cited', () => {
  const joined = { ...passage, end_line: 20 };
  assert.deepEqual(
    sourceLines(joined, citation({ start_line: 10, end_line: 11 })).map(({ number, cited }) => [number, cited]),
    [
      [null, true],
      [null, true],
      [null, true],
    ],
  );
});

test('without line numbers the quotes tell the lines', () => {
  const joined = { ...passage, end_line: 20 };
  const lines = sourceLines(joined, citation({ quotes: ['three (four)'] }));
  assert.deepEqual(
    lines.map(({ cited }) => cited),
    [false, true, false],
  );
});

test('a passage elsewhere is not cited', () => {
  assert.ok(
    sourceLines(passage, citation({ start_line: 7, end_line: 9, quotes: ['one'] })).every(
      ({ cited, pieces }) => !cited && !pieces[0].quoted,
    ),
  );
});
