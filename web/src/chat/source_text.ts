// source_text: which parts of a document a citation means.
// SPDX-License-Identifier: Apache-2.0
import type { Citation, SourcePassage } from '../types';

export interface Piece {
  text: string;
  quoted: boolean;
}

export interface SourceLine {
  number: number | null; // null: the text's lines are not the document's
  cited: boolean;
  pieces: Piece[];
}

type Lines = Pick<Citation, 'start_line' | 'end_line'>;
type Range = [from: number, to: number];

export function isCited(passage: Lines, citation: Lines): boolean {
  return passage.start_line <= citation.end_line && passage.end_line >= citation.start_line;
}

// Where the quotes stand; white space counts as one space. Sorted, without overlaps.
export function quoteRanges(text: string, quotes: string[]): Range[] {
  const ranges: Range[] = [];
  for (const quote of quotes) {
    const words = quote
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '');
    if (words.length === 0) continue;
    const pattern = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('\\s+');
    const found = new RegExp(pattern).exec(text);
    if (found) ranges.push([found.index, found.index + found[0].length]);
  }
  ranges.sort((a, b) => a[0] - b[0]);
  const joined: Range[] = [];
  for (const range of ranges) {
    const last = joined[joined.length - 1];
    if (last && range[0] <= last[1]) last[1] = Math.max(last[1], range[1]);
    else joined.push(range);
  }
  return joined;
}

export function sourceLines(passage: SourcePassage, citation: Citation): SourceLine[] {
  const texts = passage.text.split('\n');
  // Only where each line of the text is a line of the document do the numbers mean anything.
  const numbered = texts.length === passage.end_line - passage.start_line + 1;
  const inPassage = isCited(passage, citation);
  const ranges = inPassage ? quoteRanges(passage.text, citation.quotes ?? []) : [];
  let at = 0;
  return texts.map((text, index) => {
    const from = at;
    at += text.length + 1;
    const number = numbered ? passage.start_line + index : null;
    // Without numbers the quotes tell which lines are meant; without quotes it is the passage.
    const quoted = ranges.some(([first, last]) => first < at && last > from);
    const meant =
      number !== null ? number >= citation.start_line && number <= citation.end_line : quoted || ranges.length === 0;
    const cited = inPassage && meant;
    return { number, cited, pieces: piecesOf(text, from, ranges) };
  });
}

function piecesOf(text: string, offset: number, ranges: Range[]): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  const take = (to: number, quoted: boolean): void => {
    if (to > at) pieces.push({ text: text.slice(at, to), quoted });
    at = Math.max(at, to);
  };
  for (const [from, to] of ranges) {
    const first = Math.min(text.length, from - offset);
    const last = Math.min(text.length, to - offset);
    if (last <= 0) continue;
    if (first >= text.length) break;
    take(Math.max(0, first), false);
    take(last, true);
  }
  take(text.length, false);
  return pieces;
}
