import type { SiegePoint } from '@hsmfleet/contract';
import { expect, test } from 'vitest';
import { createColors } from '@hsmfleet/terminal-text';
import { pointText } from './point-text.ts';

const plain = createColors(false);
const point: SiegePoint = {
  kind: 'siege', at: '2026-01-02T00:00:00.000Z', host: 'web01', driver: 'webserver', tool: 'siege', site: 'a.test', port: 443, path: '/', engine: 'mod_ssl', mpm: 'event',
  processes: 1, tlsProtocol: 'TLSv1.3', module: null, token: 'web', key: { fingerprint: 'ab', label: 'web\u001b[2J', type: 'rsa', bits: 2048, curve: null },
  concurrency: 5, delayS: 0, seconds: 8, resumption: 'full', outcome: 'measured', problem: null, transactions: 98, successful: 98, failed: 0, availability: 98.5,
  elapsedS: 8.03, dataMB: 0.2, responseS: 0.41, rate: 12.2, throughput: 0.02, reachedConcurrency: 4.9, longestS: 0.9, shortestS: 0.08, resumedShare: 0,
};

test('a point is one line, with nothing in it that moves a cursor', () => {
  const text = pointText(point, plain);
  expect(text).toMatch(/^a\.test:443 web.* \(rsa 2048\) mpm event 5 users full: 12\.2\/s, 98\.5 %, 0\.41 s$/);
  expect(text).not.toContain('\u001b');
});

test('a hung point says why', () => {
  expect(pointText({ ...point, outcome: 'hung', problem: 'did not end within 23 s and was killed' }, plain)).toMatch(/: hung: did not end within 23 s and was killed$/);
});

test('signatures are told with their sessions and module', () => {
  const module = { path: '/p.so', description: 'R/O', version: '2.9', sha256: null };
  const { host, at, key } = point;
  expect(pointText({ kind: 'sign', host, at, module, token: 't', key: { ...key, label: 'k' }, algorithm: 'rsa-pkcs1-sha256', sessions: 1, seconds: 2, elapsedS: 2, signatures: 30, failed: 0, rate: 15, outcome: 'measured', problem: null }, plain))
    .toBe('k (rsa 2048) 1 session R/O /p.so: 15.0 signatures/s');
});
