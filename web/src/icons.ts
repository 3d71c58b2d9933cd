// icons: the drawings of the page, each one path of 16 x 16.
// SPDX-License-Identifier: Apache-2.0

export const ICONS = {
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1',
  moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z',
  system: 'M2 3h12v8H2zM6 14h4M8 11v3',
  close: 'M4 4l8 8M12 4l-8 8',
  send: 'M8 13V3M3.5 7.5L8 3l4.5 4.5',
  stop: 'M3.5 3.5h9v9h-9z',
  again: 'M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3',
  up: 'M5 7l3-5c1 0 1.7.8 1.5 2L9 6h3.5c.8 0 1.3.8 1.1 1.5l-1.2 5c-.1.5-.6.9-1.2.9H5zM5 7H2.5v6.4H5',
  down: 'M11 9l-3 5c-1 0-1.7-.8-1.5-2L7 10H3.5c-.8 0-1.3-.8-1.1-1.5l1.2-5c.1-.5.6-.9 1.2-.9H11zM11 9h2.5V2.6H11',
  copy: 'M6 6h7v7H6zM10 6V3H3v7h3',
  upload: 'M8 11V3M4.5 6.5L8 3l3.5 3.5M3 13h10',
  trash: 'M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5',
} as const;
