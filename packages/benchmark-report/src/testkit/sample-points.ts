import type { BenchmarkPoint, SiegePoint } from '@hsmfleet/contract';
import { EC, OPENSC, READ_ONLY, RSA, signPoint, siegePoint, unhealthyPoint } from './make-points.ts';

/** Availability in percent and transactions per second at 5, 20 and 60 users: measured with siege against a card. */
const MEASURED: readonly { key: SiegePoint['key']; mpm: 'prefork' | 'event'; at: readonly [users: number, availability: number, rate: number][] }[] = [
  { key: RSA, mpm: 'prefork', at: [[5, 84.8, 8.6], [20, 100, 12.2], [60, 69.8, 7.5]] },
  { key: RSA, mpm: 'event', at: [[5, 100, 15.6], [20, 100, 15.2], [60, 100, 13.2]] },
  { key: EC, mpm: 'prefork', at: [[5, 63.2, 6], [20, 72, 9], [60, 100, 12.7]] },
  { key: EC, mpm: 'event', at: [[5, 100, 17.1], [20, 100, 15.8], [60, 100, 12.3]] },
];

/** What one afternoon with a card gave: prefork and one process, two keys, three concurrencies. */
export function measuredPoints(): SiegePoint[] {
  return MEASURED.flatMap(({ key, mpm, at }) => at.map(([concurrency, availability, rate]) =>
    siegePoint({ key, mpm, processes: mpm === 'event' ? 1 : null, concurrency, availability, rate, site: key === RSA ? 'rsa.example.org' : 'ec.example.org' })));
}

/** The same, with repeats, hung and unhealthy points, resumed sessions, a second host, day and module, and signing rates. */
export function fullSample(): BenchmarkPoint[] {
  const measured = measuredPoints();
  const served = { site: 'rsa.example.org', key: RSA };
  const other = { host: 'web2', token: 'token of web2', key: { ...RSA, fingerprint: '77'.repeat(32) }, site: 'rsa.example.org' };
  return [
    ...measured,
    ...measured.filter(({ mpm }) => mpm === 'event').map((point) => ({ ...point, rate: point.rate * 1.06 })),
    siegePoint({ ...served, concurrency: 100, outcome: 'hung', rate: 0, availability: 0, problem: 'ended at its deadline of 38 s: 100 connections open, none answered' }),
    unhealthyPoint({ site: 'ec.example.org', key: { ...EC, fingerprint: null }, concurrency: 100 }),
    ...[5, 20, 60].map((concurrency, index) => siegePoint({ ...served, concurrency, rate: [182, 431, 604][index] ?? 0, resumption: 'resumed', resumedShare: 0.99 })),
    ...[5, 20, 60].map((concurrency, index) => siegePoint({ ...other, concurrency, rate: [14.9, 14.6, 11.8][index] ?? 0, availability: index === 2 ? 97.4 : 100 })),
    ...[5, 20, 60].map((concurrency, index) => siegePoint({ ...served, concurrency, rate: [12.3, 12.1, 10.2][index] ?? 0, at: '2026-10-02T13:00:00.000Z' })),
    ...[5, 20, 60].map((concurrency, index) => siegePoint({ ...served, concurrency, module: OPENSC, rate: [9.1, 8.8, 8.1][index] ?? 0, availability: index === 2 ? 81.25 : 100 })),
    ...[1, 2, 4, 8].flatMap((sessions, index) => [
      signPoint({ sessions, rate: [17.2, 17.4, 17.3, 17.4][index] ?? 0 }),
      signPoint({ sessions, module: OPENSC, rate: [11.2, 11, 10.4, 9.8][index] ?? 0 }),
      signPoint({ sessions, module: { ...READ_ONLY, path: '/usr/lib/softhsm/libsofthsm2.so', description: 'SoftHSM', version: '2.6', sha256: 'd0'.repeat(32) }, token: 'lab', rate: [610, 1180, 1240, 1230][index] ?? 0 }),
    ]),
    signPoint({ sessions: 8, key: EC, algorithm: 'ecdsa-sha256', rate: 0, signatures: 0, outcome: 'hung', problem: 'no answer from the module within 20 s' }),
    ...[1, 4].map((sessions) => signPoint({ sessions, key: EC, algorithm: 'ecdsa-sha256', rate: 21.5 })),
  ];
}
