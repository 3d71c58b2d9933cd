// render_markdown: parsed answers as elements, made of text nodes only.
// SPDX-License-Identifier: Apache-2.0
import { h } from '../dom';
import { parseMarkdown, type Block, type Inline, type ListItem } from '../markdown';

// What stands for "[n]"; null: the mark stays text.
export type ChipOf = (number: number) => HTMLElement | null;

export function renderMarkdown(text: string, chipOf: ChipOf): HTMLElement[] {
  return parseMarkdown(text).map((block) => renderBlock(block, chipOf));
}

function renderBlock(block: Block, chipOf: ChipOf): HTMLElement {
  switch (block.kind) {
    case 'paragraph': {
      const paragraph = h('p');
      block.lines.forEach((line, index) => {
        if (index > 0) paragraph.append(h('br'));
        paragraph.append(...renderInline(line, chipOf));
      });
      return paragraph;
    }
    case 'heading':
      return h(
        'p',
        { class: 'answer-heading', role: 'heading', 'aria-level': String(Math.min(6, block.level + 2)) },
        ...renderInline(block.children, chipOf),
      );
    case 'code':
      return h(
        'pre',
        { tabindex: '0', 'aria-label': block.language ? `Code, ${block.language}` : 'Code' },
        h('code', {}, block.text),
      );
    case 'list': {
      const list = block.ordered ? h('ol', block.start === 1 ? {} : { start: block.start }) : h('ul');
      nestItems(list, block.items, chipOf);
      return list;
    }
  }
}

// Items that stand deeper become lists within the item before them.
function nestItems(top: HTMLElement, items: ListItem[], chipOf: ChipOf): void {
  const open: { depth: number; list: HTMLElement }[] = [{ depth: items[0]?.depth ?? 0, list: top }];
  for (const item of items) {
    while (open.length > 1 && item.depth < open[open.length - 1]!.depth) open.pop();
    let level = open[open.length - 1]!;
    const parent = level.list.lastElementChild;
    if (item.depth > level.depth && parent) {
      level = { depth: item.depth, list: h('ul') };
      parent.append(level.list);
      open.push(level);
    }
    level.list.append(h('li', {}, ...renderInline(item.children, chipOf)));
  }
}

function renderInline(inlines: Inline[], chipOf: ChipOf): Node[] {
  return inlines.map((inline) => {
    switch (inline.kind) {
      case 'text':
        return document.createTextNode(inline.text);
      case 'code':
        return h('code', {}, inline.text);
      case 'bold':
        return h('strong', {}, ...renderInline(inline.children, chipOf));
      case 'cite':
        return chipOf(inline.number) ?? document.createTextNode(`[${inline.number}]`);
    }
  });
}
