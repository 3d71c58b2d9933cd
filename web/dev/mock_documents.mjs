// mock_documents: documents in memory, cut into passages, searched by common words.
// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';

const READABLE = /\.(md|txt|html?|pdf|docx|c|cc|h|py|ts|js|json)$/i;

const FIRST = {
  'batteries.md': `# Batteries

## Charging
The field recorder is charged through its USB-C port with 5 V and
at most 1.5 A. A full charge takes 3 hours and 20 minutes.

Charging stops below 0 °C and above 45 °C, because cells age quickly
outside of that range.

## Life
A charged battery lasts 14 hours while recording in stereo, and about
60 days in standby. After 500 full charges it keeps 80% of its capacity.

## Replacement
Batteries are replaced by the service centre only. The code of the
spare part is FR-220-B.
`,
  'warranty.md': `# Warranty

## Duration
The warranty lasts 24 months from the date on the invoice, and 12 months
for batteries and cables.

## Repairs
Repairs are done within 10 working days. A device that cannot be
repaired is replaced by one of the same model.

## Exclusions
Damage by water is covered only for devices of the class IP67.
`,
  'recording.md': `# Recording

## Formats
Recordings are kept as WAV with 24 bits at 48 kHz, or as FLAC, which
takes about 55% of the space.

## Storage
The recorder takes microSD cards of up to 512 GB. One hour in stereo
takes 1.0 GB as WAV.
`,
};

function idOf(name) {
  return createHash('sha256').update(name).digest('hex').slice(0, 16);
}

function passagesOf(text) {
  const passages = [];
  const path = [];
  let lines = [];
  let start = 1;
  const flush = (end) => {
    while (lines.length > 0 && lines[lines.length - 1].trim() === '') {
      lines.pop();
      end -= 1;
    }
    if (lines.length > 0) {
      passages.push({
        heading: path.filter(Boolean).join(' > '),
        text: lines.join('\n'),
        start_line: start,
        end_line: end,
        page: null,
        end_page: null,
      });
    }
    lines = [];
  };
  text.split('\n').forEach((line, index) => {
    const heading = /^(#+)\s+(.*)/.exec(line);
    if (heading) {
      flush(index);
      path.length = heading[1].length - 1;
      path[heading[1].length - 1] = heading[2];
    } else if (lines.length > 0 || line.trim() !== '') {
      if (lines.length === 0) start = index + 1;
      lines.push(line);
      if (lines.length >= 12 && line.trim() === '') flush(index + 1);
    }
  });
  flush(text.split('\n').length);
  return passages;
}

export class Documents {
  list = new Map();
  job = {
    job: 0,
    running: false,
    queued: false,
    phase: '',
    done: 0,
    total: 0,
    done_bytes: 0,
    total_bytes: 0,
    path: '',
    error: null,
    report: null,
  };
  version = 0;
  #waiting = [];

  constructor(full) {
    if (full) for (const [name, text] of Object.entries(FIRST)) this.#put(name, Buffer.from(text), false, 'indexed');
  }

  info(document) {
    const { id, name, path, size_bytes: size, chunks, modified_ms: modified, uploaded, status, error } = document;
    return { id, name, path, size_bytes: size, chunks, modified_ms: modified, uploaded, status, error };
  }

  #put(name, bytes, uploaded, status) {
    const passages = passagesOf(bytes.toString('utf8'));
    const document = {
      id: idOf(name),
      name,
      path: `${uploaded ? 'uploads' : 'handbook'}/${name}`,
      size_bytes: bytes.length,
      chunks: passages.length,
      modified_ms: Date.now() - (uploaded ? 0 : 86_400_000 * 3),
      uploaded,
      status,
      error: null,
      passages,
    };
    this.list.set(document.id, document);
    return document;
  }

  // A sentence: why not.
  add(name, bytes) {
    if (!READABLE.test(name)) return `no reader knows '${name}': its ending is none of .md, .txt, .html, .pdf, .docx`;
    const document = this.#put(name, bytes, true, 'pending');
    this.#waiting.push(document);
    if (!this.job.running) void this.#index();
    return document;
  }

  #change(values) {
    this.job = { ...this.job, ...values };
    this.version += 1;
  }

  async #index() {
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    const started = Date.now();
    const report = { added: 0, updated: 0, removed: 0, unchanged: this.list.size, skipped: [], elapsed_ms: 0 };
    this.#change({ job: this.job.job + 1, running: true, phase: 'scan', done: 0, total: 0, report: null });
    await sleep(150);
    let done = 0;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      next.status = 'indexing';
      this.#change({ phase: 'read', done, total: done + 1 + this.#waiting.length, path: next.path });
      await sleep(500);
      done += 1;
      if (/^broken/.test(next.name)) {
        next.status = 'failed';
        next.error = 'the file ends in the middle of an object at byte 2,113; it may not have been copied whole';
        report.skipped.push({ path: next.path, reason: next.error });
      } else {
        next.status = 'indexed';
        report.added += 1;
      }
      this.#change({ phase: 'embed', done });
    }
    await sleep(150);
    report.elapsed_ms = Date.now() - started;
    report.unchanged -= report.added + report.skipped.length;
    this.#change({ running: false, phase: '', report });
  }

  get chunks() {
    return [...this.list.values()].reduce((sum, { chunks }) => sum + chunks, 0);
  }

  // The passages with the most words of the question.
  search(question) {
    const words = new Set(question.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? []);
    const stem = (word) => word.slice(0, 5);
    const stems = new Set([...words].map(stem));
    const found = [];
    for (const document of this.list.values()) {
      if (document.status !== 'indexed') continue;
      for (const passage of document.passages) {
        const own = new Set(
          (`${passage.heading} ${passage.text}`.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? []).map(stem),
        );
        const score = [...stems].filter((word) => own.has(word)).length;
        if (score >= 2) found.push({ document, passage, score });
      }
    }
    return found.sort((a, b) => b.score - a.score).slice(0, 2);
  }
}
