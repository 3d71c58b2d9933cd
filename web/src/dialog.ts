// dialog: questions that must be answered before something happens.
// SPDX-License-Identifier: Apache-2.0
import { h } from './dom';

function show(title: string, action: string, danger: boolean, ...body: HTMLElement[]): Promise<boolean> {
  const submit = h('button', { type: 'submit', class: danger ? 'danger' : 'primary', value: 'ok' }, action);
  const cancel = h('button', { type: 'button', class: 'quiet', onclick: () => dialog.close() }, 'Cancel');
  const dialog = h(
    'dialog',
    { class: 'dialog', 'aria-labelledby': 'dialog-title' },
    h(
      'form',
      { method: 'dialog' },
      h('h2', { id: 'dialog-title' }, title),
      ...body,
      h('div', { class: 'dialog-actions' }, cancel, submit),
    ),
  );
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'ok');
    });
    dialog.showModal();
    // What cannot be undone is not what Enter does at once.
    if (danger) cancel.focus();
  });
}

export function confirmDanger(title: string, text: string, action: string): Promise<boolean> {
  return show(title, action, true, h('p', {}, text));
}

// Null: cancelled.
export async function askForName(
  title: string,
  label: string,
  pattern: string,
  hint: string,
): Promise<string | null> {
  const input = h('input', {
    id: 'dialog-name',
    required: true,
    pattern,
    autocomplete: 'off',
    spellcheck: 'false',
    autofocus: true,
    'aria-describedby': 'dialog-hint',
  });
  const ok = await show(
    title,
    'Create',
    false,
    h('label', { for: 'dialog-name' }, label),
    input,
    h('p', { id: 'dialog-hint', class: 'muted' }, hint),
  );
  return ok ? input.value.trim() : null;
}
