// drop_zone: where files are dropped or chosen.
// SPDX-License-Identifier: Apache-2.0
import { h, icon } from '../dom';
import { ICONS } from '../icons';

// Files may be dropped anywhere on `panel`.
export function dropZone(panel: HTMLElement, onFiles: (files: File[]) => void): HTMLElement {
  const input = h('input', {
    type: 'file',
    id: 'files',
    multiple: true,
    class: 'sr-only',
    onchange: () => {
      onFiles([...(input.files ?? [])]);
      input.value = ''; // the same file can be chosen again
    },
  });
  const zone = h(
    'div',
    { class: 'drop' },
    input,
    h(
      'label',
      { for: 'files', class: 'drop-label' },
      icon(ICONS.upload),
      h('span', {}, h('b', {}, 'Drop files here'), ' or ', h('span', { class: 'link' }, 'choose them')),
    ),
    h('p', { class: 'muted' }, 'Text, Markdown, HTML, PDF, Word and CSV files. They stay on this server.'),
  );

  // Enter and leave come for every child as well.
  let depth = 0;
  const carriesFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
  const over = (step: number): void => {
    depth = Math.max(0, depth + step);
    zone.classList.toggle('over', depth > 0);
  };
  panel.addEventListener('dragenter', (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    over(1);
  });
  panel.addEventListener('dragleave', (event) => {
    if (carriesFiles(event)) over(-1);
  });
  panel.addEventListener('dragover', (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  panel.addEventListener('drop', (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    over(-depth);
    void droppedFiles(event.dataTransfer!).then(onFiles);
  });
  return zone;
}

// Folders are gone through.
async function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items].map((item) => (item.kind === 'file' ? item.webkitGetAsEntry() : null));
  if (!entries.some((entry) => entry?.isDirectory)) return [...transfer.files];
  const files: File[] = [];
  for (const entry of entries) if (entry) await filesOf(entry, files);
  return files;
}

async function filesOf(entry: FileSystemEntry, files: File[]): Promise<void> {
  if (entry.isFile) {
    files.push(await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)));
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A hundred at a time, until none is left.
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) return;
    for (const child of part) await filesOf(child, files);
  }
}
