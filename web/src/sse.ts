// SseParser: the text of a text/event-stream as events (WHATWG HTML, 9.2.6).
// SPDX-License-Identifier: Apache-2.0

export interface SseEvent {
  event: string;
  data: string;
}

// Takes the text in pieces as they come, cut anywhere. An event without its blank line at the end is not given.
export class SseParser {
  private rest = '';
  private event = '';
  private data: string[] = [];
  private begun = false;

  push(piece: string): SseEvent[] {
    let text = this.rest + piece;
    if (!this.begun && text.length > 0) {
      this.begun = true;
      if (text.startsWith('\uFEFF')) text = text.slice(1);
    }
    const events: SseEvent[] = [];
    let at = 0;
    for (;;) {
      const end = lineEnd(text, at);
      if (end < 0) break;
      // A CR that ends the piece may be half of CR LF.
      if (text[end] === '\r' && end + 1 === text.length) break;
      const event = this.line(text.slice(at, end));
      if (event) events.push(event);
      at = end + (text[end] === '\r' && text[end + 1] === '\n' ? 2 : 1);
    }
    this.rest = text.slice(at);
    return events;
  }

  private line(line: string): SseEvent | null {
    if (line === '') return this.dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'event') this.event = value;
    if (field === 'data') this.data.push(value);
    return null;
  }

  private dispatch(): SseEvent | null {
    const { event, data } = this;
    this.event = '';
    this.data = [];
    return data.length > 0 ? { event: event || 'message', data: data.join('\n') } : null;
  }
}

function lineEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '\n' || text[at] === '\r') return at;
  }
  return -1;
}
