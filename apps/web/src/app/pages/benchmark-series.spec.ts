import type { SignPoint } from '@hsmfleet/contract/schemas';
import { expect, test } from 'vitest';
import { ratePlots } from './benchmark-series.ts';

const sign = (more: Partial<SignPoint>): SignPoint => ({
  kind: 'sign', at: '2026-11-24T12:00:00Z', host: 'web01', module: { path: '/m.so', description: 'OpenSC', version: '0.26', sha256: null }, token: 'shop',
  key: { fingerprint: null, label: null, type: 'rsa', bits: 2048, curve: null }, algorithm: 'rsa-pkcs1-sha256', sessions: 1, seconds: 5, elapsedS: 5,
  signatures: 50, failed: 0, rate: 10, outcome: 'measured', problem: null, ...more,
});

test('keys are lines over the number of sessions; what hung is a gap, what was measured again is new', () => {
  const ec = { fingerprint: null, label: null, type: 'ec', bits: 256, curve: 'prime256v1' };
  const [plot, ...others] = ratePlots([
    sign({ sessions: 4, rate: 12 }), sign({ sessions: 1, rate: 9 }), sign({ sessions: 1, rate: 10 }), sign({ key: ec, sessions: 4, rate: 30 }),
    sign({ key: ec, sessions: 8, rate: 3, outcome: 'hung' }),
  ]);
  expect(others).toEqual([]);
  expect(plot?.x).toEqual([1, 4, 8]);
  expect(plot?.lines.map(({ name, values }) => [name.split(',')[0], values])).toEqual([['rsa 2048', [10, 12, null]], ['ec prime256v1', [null, 30, null]]]);
});

test('hosts and kinds do not share a plot', () => {
  expect(ratePlots([sign({}), sign({ host: 'web02' })])).toHaveLength(2);
});
