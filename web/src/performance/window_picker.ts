// window_picker: how far back the charts go.
// SPDX-License-Identifier: Apache-2.0
import { h } from '../dom';

const WINDOWS: [minutes: number, label: string][] = [
  [5, '5 min'],
  [15, '15 min'],
  [120, '2 h'],
  [1440, '24 h'],
];

export function windowPicker(chosen: number, onChoose: (minutes: number) => void): HTMLElement {
  return h(
    'fieldset',
    { class: 'segmented' },
    h('legend', { class: 'sr-only' }, 'Window'),
    ...WINDOWS.map(([minutes, label]) =>
      h(
        'label',
        {},
        h('input', {
          type: 'radio',
          name: 'window',
          value: minutes,
          checked: minutes === chosen,
          onchange: () => onChoose(minutes),
        }),
        h('span', {}, label),
      ),
    ),
  );
}
