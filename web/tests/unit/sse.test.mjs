// SseParser: events from text that is cut anywhere.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './load.mjs';

const { SseParser } = await load('sse.ts');

function parse(...pieces) {
  const parser = new SseParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

test('an event has a name and data, and the usual name without one', () => {
  assert.deepEqual(parse('event: delta\ndata: {"text":"a"}\n\n'), [{ event: 'delta', data: '{"text":"a"}' }]);
  assert.deepEqual(parse('data: [DONE]\n\n'), [{ event: 'message', data: '[DONE]' }]);
});

test('the name of an event does not go on to the next', () => {
  assert.deepEqual(
    parse('event: a\ndata: 1\n\ndata: 2\n\n').map(({ event }) => event),
    ['a', 'message'],
  );
});

test('several data lines are joined by line feeds, only one space is left out', () => {
  assert.deepEqual(parse('data: one\ndata:  two\ndata:\ndata:three\n\n'), [
    { event: 'message', data: 'one\n two\n\nthree' },
  ]);
});

test('comments, unknown fields and events without data are left out', () => {
  assert.deepEqual(parse(': keep alive\n\nid: 7\nretry: 10\nevent: empty\n\nnonsense\ndata: x\n\n'), [
    { event: 'message', data: 'x' },
  ]);
});

test('lines end by LF, CR or CR LF', () => {
  const expected = [
    { event: 'a', data: '1' },
    { event: 'b', data: '2\n3' },
  ];
  for (const end of ['\n', '\r\n']) {
    assert.deepEqual(
      parse(['event: a', 'data: 1', '', 'event: b', 'data: 2', 'data: 3', '', ''].join(end)),
      expected,
    );
  }
  // A CR at the very end may be half of CR LF, so the last event waits.
  assert.deepEqual(parse('event: a\rdata: 1\r\revent: b\rdata: 2\rdata: 3\r\r', ': more\n'), expected);
});

test('a stream cut at every place gives the same events', () => {
  const text =
    '\uFEFFevent: delta\r\ndata: {"text":"größe"}\r\n\r\n: hi\n\ndata: a\ndata: b\n\nevent: answer\ndata: {}\n\n';
  const whole = parse(text);
  assert.equal(whole.length, 3);
  for (let cut = 0; cut <= text.length; cut += 1) {
    assert.deepEqual(parse(text.slice(0, cut), text.slice(cut)), whole, `cut at ${cut}`);
  }
  assert.deepEqual(parse(...text), whole);
});

test('an event that is not ended is not given', () => {
  assert.deepEqual(parse('data: 1\n'), []);
});
