// target: the time within which answers should be there.
// SPDX-License-Identifier: Apache-2.0
import type { Stats } from '../types';

const USUAL_MS = 3_000; // of a server that does not say

export function latencyTarget(stats: Stats | null): number {
  return stats?.latency_target_ms ?? USUAL_MS;
}
