// markdown: the part of Markdown that answers are shown with: paragraphs, headings, lists, code, bold, marks like [1].
// SPDX-License-Identifier: Apache-2.0
// Only data comes out of here. Links, images and HTML stay the text that they are.

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'bold'; children: Inline[] }
  | { kind: 'cite'; number: number };

export interface ListItem {
  depth: number;
  children: Inline[];
}

export type Block =
  | { kind: 'paragraph'; lines: Inline[][] }
  | { kind: 'heading'; level: number; children: Inline[] }
  | { kind: 'list'; ordered: boolean; start: number; items: ListItem[] }
  | { kind: 'code'; language: string; text: string };

const MAX_DEPTH = 4;
const CITE = /^\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const FENCE = /^\s*(```+|~~~+)[ \t]*([\w+-]*)\s*$/;

export function parseMarkdown(text: string): Block[] {
  const lines = text.split(/\r\n|\r|\n/);
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at]!;
    const fence = FENCE.exec(line);
    if (fence) {
      at = readCode(lines, at, fence, blocks);
    } else if (line.trim() === '') {
      at += 1;
    } else if (HEADING.test(line)) {
      const [, marks, words] = HEADING.exec(line)!;
      blocks.push({ kind: 'heading', level: marks!.length, children: parseInline(words!) });
      at += 1;
    } else if (ITEM.test(line)) {
      at = readList(lines, at, blocks);
    } else {
      at = readParagraph(lines, at, blocks);
    }
  }
  return blocks;
}

// An open fence, as while streaming, goes to the end.
function readCode(lines: string[], first: number, fence: RegExpExecArray, blocks: Block[]): number {
  const mark = fence[1]!;
  let at = first + 1;
  const closes = (line: string): boolean => line.startsWith(mark) && line === mark[0]!.repeat(line.length);
  while (at < lines.length && !closes(lines[at]!.trim())) at += 1;
  blocks.push({ kind: 'code', language: fence[2] ?? '', text: lines.slice(first + 1, at).join('\n') });
  return at + 1;
}

function readList(lines: string[], first: number, blocks: Block[]): number {
  const marker = ITEM.exec(lines[first]!)![2]!;
  const ordered = /\d/.test(marker);
  const items: { depth: number; text: string }[] = [];
  let at = first;
  for (; at < lines.length; at += 1) {
    const line = lines[at]!;
    const item = ITEM.exec(line);
    if (item) {
      const depth = Math.min(MAX_DEPTH, Math.floor(item[1]!.replace(/\t/g, '    ').length / 2));
      if (depth === 0 && /\d/.test(item[2]!) !== ordered) break;
      items.push({ depth, text: item[3]! });
    } else if (line.trim() === '') {
      // Blank lines between items belong to the list.
      if (!ITEM.test(lines[at + 1] ?? '')) break;
    } else if (/^\s/.test(line) && !FENCE.test(line)) {
      items[items.length - 1]!.text += ` ${line.trim()}`;
    } else {
      break;
    }
  }
  blocks.push({
    kind: 'list',
    ordered,
    start: ordered ? Number.parseInt(marker, 10) : 1,
    items: items.map(({ depth, text }) => ({ depth, children: parseInline(text) })),
  });
  return at;
}

function readParagraph(lines: string[], first: number, blocks: Block[]): number {
  let at = first;
  const kept: Inline[][] = [];
  while (at < lines.length) {
    const line = lines[at]!;
    const ends = line.trim() === '' || FENCE.test(line) || HEADING.test(line) || ITEM.test(line);
    if (ends && at > first) break;
    kept.push(parseInline(line.trim()));
    at += 1;
  }
  blocks.push({ kind: 'paragraph', lines: kept });
  return at;
}

export function parseInline(text: string): Inline[] {
  const out: Inline[] = [];
  let plain = '';
  let at = 0;
  const flush = (): void => {
    if (plain !== '') out.push({ kind: 'text', text: plain });
    plain = '';
  };
  while (at < text.length) {
    const found = inlineAt(text, at);
    if (found) {
      flush();
      out.push(...found.inlines);
      at = found.end;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  flush();
  return out;
}

interface Found {
  inlines: Inline[];
  end: number;
}

function inlineAt(text: string, at: number): Found | null {
  const char = text[at];
  if (char === '`') {
    const end = text.indexOf('`', at + 1);
    if (end > at + 1) return { inlines: [{ kind: 'code', text: text.slice(at + 1, end) }], end: end + 1 };
  } else if (char === '*' && text[at + 1] === '*') {
    const end = text.indexOf('**', at + 2);
    const words = end < 0 ? '' : text.slice(at + 2, end);
    if (words.trim() !== '') return { inlines: [{ kind: 'bold', children: parseInline(words) }], end: end + 2 };
  } else if (char === '[') {
    const cite = CITE.exec(text.slice(at, at + 64));
    if (cite && text[at + cite[0].length] !== '(') {
      const numbers = cite[1]!.split(',').map((number) => Number.parseInt(number, 10));
      return { inlines: numbers.map((number) => ({ kind: 'cite', number })), end: at + cite[0].length };
    }
  }
  return null;
}
