// format: numbers, sizes, times and places as people read them.
// SPDX-License-Identifier: Apache-2.0

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
export const NOTHING = '–';

type Maybe = number | null | undefined;

function missing(value: Maybe): value is null | undefined {
  return value === null || value === undefined || !Number.isFinite(value);
}

export function formatBytes(bytes: Maybe): string {
  if (missing(bytes)) return NOTHING;
  let unit = 0;
  let value = Math.abs(bytes);
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${bytes < 0 ? '-' : ''}${value.toFixed(digits)} ${UNITS[unit]}`;
}

// 0.4 µs, 12.3 ms, 1.24 s, 3 min 20 s.
export function formatMs(ms: Maybe): string {
  if (missing(ms)) return NOTHING;
  if (ms === 0) return '0 ms';
  if (ms < 0.95) return `${(ms * 1000).toFixed(0)} µs`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(2)} s`;
  return formatSpan(ms / 1000);
}

// 45 s, 3 min 20 s, 2 h 5 min, 3 d 4 h.
export function formatSpan(seconds: Maybe): string {
  if (missing(seconds)) return NOTHING;
  const whole = Math.max(0, Math.round(seconds));
  const steps: [number, string][] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const first = steps.findIndex(([size]) => whole >= size);
  if (first < 0) return '0 s';
  const [size, name] = steps[first]!;
  const next = steps[first + 1];
  const rest = next ? Math.floor((whole % size) / next[0]) : 0;
  return `${Math.floor(whole / size)} ${name}${next && rest > 0 ? ` ${rest} ${next[1]}` : ''}`;
}

export function formatPercent(share: Maybe): string {
  if (missing(share)) return NOTHING;
  const percent = share * 100;
  return `${percent.toFixed(percent > 0 && percent < 9.95 ? 1 : 0)}%`;
}

export function formatCount(count: Maybe): string {
  if (missing(count)) return NOTHING;
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

// At most three significant digits; for rates and means.
export function formatNumber(value: Maybe): string {
  if (missing(value)) return NOTHING;
  const size = Math.abs(value);
  if (size >= 99.95 || Number.isInteger(value)) return formatCount(value);
  return value.toFixed(size >= 9.95 ? 1 : 2);
}

export function formatAge(ms: Maybe): string {
  if (missing(ms)) return NOTHING;
  return ms < 1000 ? 'just now' : `${formatSpan(ms / 1000)} ago`;
}

export function formatClock(unixMs: Maybe, withSeconds = true): string {
  if (missing(unixMs)) return NOTHING;
  const time = new Date(unixMs);
  const parts = [time.getHours(), time.getMinutes(), ...(withSeconds ? [time.getSeconds()] : [])];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

export function formatDate(unixMs: Maybe): string {
  if (missing(unixMs) || unixMs <= 0) return NOTHING;
  const time = new Date(unixMs);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${formatClock(unixMs, false)}`;
}

export interface Place {
  start_line?: number | null;
  end_line?: number | null;
  page?: number | null;
  end_page?: number | null;
}

// "page 3", "pages 3–4", "line 12", "lines 12–30".
export function formatPlace(place: Place): string {
  const range = (name: string, first: number, last: number): string =>
    last > first ? `${name}s ${first}–${last}` : `${name} ${first}`;
  if (place.page) return range('page', place.page, place.end_page ?? 0);
  if (place.start_line) return range('line', place.start_line, place.end_line ?? 0);
  return '';
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
