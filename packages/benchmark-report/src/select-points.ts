import type { BenchmarkPoint } from '@hsmfleet/contract';
import { describeKeyKind } from './axes.ts';

/** Which points a report is about; what is absent or empty does not matter. */
export interface PointFilter {
  hosts?: readonly string[] | undefined;
  /** Labels of keys, their kinds as reports write them ("RSA-2048", "EC P-256"), or beginnings of fingerprints of at least 6 digits. */
  keys?: readonly string[] | undefined;
  /** No points from before. */
  since?: Date | undefined;
}

/** The points that match; case does not matter. A server that was unwell tells no fingerprint: its points go by label. */
export function selectPoints(points: readonly BenchmarkPoint[], { hosts = [], keys = [], since }: PointFilter): BenchmarkPoint[] {
  const wantedHosts = new Set(hosts.map((host) => host.toLowerCase()));
  const wantedKeys = keys.map((key) => key.toLowerCase());
  return points.filter((point) =>
    (wantedHosts.size === 0 || wantedHosts.has(point.host.toLowerCase()))
    && (wantedKeys.length === 0 || wantedKeys.some((key) => isKey(key, point)))
    && (since === undefined || Date.parse(point.at) >= since.getTime()));
}

function isKey(wanted: string, { key }: BenchmarkPoint): boolean {
  const fingerprint = wanted.replaceAll(':', '');
  return key.label?.toLowerCase() === wanted || describeKeyKind(key).toLowerCase() === wanted
    || (/^[0-9a-f]{6,}$/.test(fingerprint) && key.fingerprint?.toLowerCase().startsWith(fingerprint) === true);
}
