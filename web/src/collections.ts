// Collections: the sets of documents, and the one that chat and documents both work with.
// SPDX-License-Identifier: Apache-2.0
import { getJson, sendJson } from './api';
import { fill, h } from './dom';
import type { CollectionInfo } from './types';

export class Collections {
  list: CollectionInfo[] = [];
  current = 'default';

  private readonly listeners = new Set<() => void>();

  listen(listener: () => void): void {
    this.listeners.add(listener);
    listener();
  }

  choose(name: string): void {
    if (name === this.current) return;
    this.current = name;
    this.tell();
  }

  get info(): CollectionInfo | null {
    return this.list.find((entry) => entry.name === this.current) ?? null;
  }

  async load(): Promise<void> {
    const { data } = await getJson<{ data: CollectionInfo[] }>('v1/collections');
    this.list = data;
    if (!this.info && data[0]) this.current = data[0].name;
    this.tell();
  }

  async create(name: string): Promise<void> {
    await sendJson('POST', 'v1/collections', { name });
    this.current = name;
    await this.load();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

// A menu that follows the list and the choice.
export function collectionPicker(collections: Collections, id: string): HTMLElement {
  const select = h('select', { id, onchange: () => collections.choose(select.value) });
  let shown = '';
  collections.listen(() => {
    const names = collections.list.length > 0 ? collections.list.map(({ name }) => name) : [collections.current];
    if (names.join('\n') !== shown) {
      shown = names.join('\n');
      fill(select, ...names.map((name) => h('option', { value: name }, name)));
    }
    select.value = collections.current;
  });
  return h('div', { class: 'field' }, h('label', { for: id }, 'Collection'), select);
}
