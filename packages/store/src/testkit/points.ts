import type { SiegePoint, SignPoint } from '@hsmfleet/contract';

const module = { path: '/usr/lib/hsm.so', description: 'R/O with PC/SC', version: '2.9', sha256: 'cd'.repeat(32) };

/** A point of a site whose RSA key is on a token. */
export const SIEGE_POINT: SiegePoint = {
  kind: 'siege', at: '2026-01-02T00:00:00.000Z', host: 'web01', driver: 'webserver', tool: 'siege', site: 'a.test', port: 443, path: '/', engine: 'mod_ssl', mpm: 'event',
  processes: 1, tlsProtocol: 'TLSv1.3', module, token: 'web', key: { fingerprint: 'ab'.repeat(32), label: 'rsa2048', type: 'rsa', bits: 2048, curve: null },
  concurrency: 5, delayS: 0, seconds: 8, resumption: 'full', outcome: 'measured', problem: null, transactions: 98, successful: 98, failed: 0, availability: 100,
  elapsedS: 8.03, dataMB: 0.2, responseS: 0.41, rate: 12.2, throughput: 0.02, reachedConcurrency: 4.9, longestS: 0.9, shortestS: 0.08, resumedShare: 0,
};

/** A point of a key that signed at a station. */
export const SIGN_POINT: SignPoint = {
  kind: 'sign', at: '2026-01-03T00:00:00.000Z', host: 'station', module, token: 'web', key: { fingerprint: 'ef'.repeat(32), label: 'ec256', type: 'ec', bits: 256, curve: 'prime256v1' },
  algorithm: 'ecdsa-sha256', sessions: 4, seconds: 5, elapsedS: 5.01, signatures: 759, failed: 0, rate: 151.5, outcome: 'measured', problem: null,
};
