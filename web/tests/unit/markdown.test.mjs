// markdown: what is taken from answers, and that all else stays text.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './load.mjs';

const { parseMarkdown, parseInline } = await load('markdown.ts');

const text = (value) => ({ kind: 'text', text: value });
const cite = (number) => ({ kind: 'cite', number });

test('paragraphs are parted by blank lines and keep their line ends', () => {
  assert.deepEqual(parseMarkdown('one\ntwo\n\nthree'), [
    { kind: 'paragraph', lines: [[text('one')], [text('two')]] },
    { kind: 'paragraph', lines: [[text('three')]] },
  ]);
});

test('bold, code and marks within a line', () => {
  assert.deepEqual(parseInline('a **b `c`** d [1].'), [
    text('a '),
    { kind: 'bold', children: [text('b '), { kind: 'code', text: 'c' }] },
    text(' d '),
    cite(1),
    text('.'),
  ]);
  assert.deepEqual(parseInline('x [1, 12][3]'), [text('x '), cite(1), cite(12), cite(3)]);
});

test('marks in code are code, and links are text', () => {
  assert.deepEqual(parseInline('`a[1]`'), [{ kind: 'code', text: 'a[1]' }]);
  assert.deepEqual(parseInline('[1](http://x.example)'), [text('[1](http://x.example)')]);
  assert.deepEqual(parseInline('![pic](http://x.example/p.png) [1234]'), [
    text('![pic](http://x.example/p.png) [1234]'),
  ]);
});

test('HTML is text', () => {
  const html = '<img src=x onerror=alert(1)><script>alert(1)</script>';
  assert.deepEqual(parseMarkdown(html), [{ kind: 'paragraph', lines: [[text(html)]] }]);
});

test('what is not closed is text', () => {
  for (const open of ['**a', '`a', '****', '[', '[a]', '[1', '* *'])
    assert.deepEqual(parseInline(open), [text(open)], open);
});

test('lists: kinds, numbers, depth, items of several lines', () => {
  assert.deepEqual(parseMarkdown('- a\n  more\n  - b\n* c'), [
    {
      kind: 'list',
      ordered: false,
      start: 1,
      items: [
        { depth: 0, children: [text('a more')] },
        { depth: 1, children: [text('b')] },
        { depth: 0, children: [text('c')] },
      ],
    },
  ]);
  const [list, paragraph] = parseMarkdown('3. a\n\n4. b\n\nend');
  assert.equal(list.start, 3);
  assert.equal(list.items.length, 2);
  assert.deepEqual(paragraph.lines, [[text('end')]]);
  assert.deepEqual(
    parseMarkdown('1. a\n- b').map(({ ordered }) => ordered),
    [true, false],
  );
});

test('code blocks keep their text, and an open one goes to the end', () => {
  assert.deepEqual(parseMarkdown('```sh\n# a\n\n- **b**\n```\nc'), [
    { kind: 'code', language: 'sh', text: '# a\n\n- **b**' },
    { kind: 'paragraph', lines: [[text('c')]] },
  ]);
  assert.deepEqual(parseMarkdown('~~~\nx'), [{ kind: 'code', language: '', text: 'x' }]);
});

test('headings', () => {
  assert.deepEqual(parseMarkdown('## A b ##\n#no'), [
    { kind: 'heading', level: 2, children: [text('A b')] },
    { kind: 'paragraph', lines: [[text('#no')]] },
  ]);
});

test('no text is lost and none takes long, whatever comes', () => {
  const words = ['**', '`', '[1]', '[', '\n', '- ', '1. ', '```', '# ', 'word', ' ', '<b>', '\\', '](', '  '];
  let seed = 1;
  const next = () => (seed = (seed * 48271) % 2147483647);
  for (let round = 0; round < 2000; round += 1) {
    const source = Array.from({ length: next() % 30 }, () => words[next() % words.length]).join('');
    const shown = JSON.stringify(parseMarkdown(source));
    const count = (value) => value.split('word').length - 1;
    assert.equal(count(shown), count(source), source);
  }
  const started = process.cpuUsage().user;
  parseMarkdown('**`['.repeat(20_000));
  parseMarkdown('- '.repeat(20_000));
  parseMarkdown('#'.repeat(50_000) + ' '.repeat(50_000) + 'a');
  assert.ok(process.cpuUsage().user - started < 5_000_000, 'hostile text takes more than linear time');
});
