import type { StateChange } from '@hsmfleet/contract';

/** A change as a check reports it. */
export function change(changes: Partial<StateChange> = {}): StateChange {
  return {
    kind: 'finding', key: 'module-read-only/web01', at: '2026-11-24T14:00:23.000Z', check: '20261124T140000Z-5f3a', schedule: 'hourly', host: 'web01',
    control: 'module-read-only', severity: 'critical', title: 'web01: not met: the PKCS#11 module is proven read-only: module /usr/lib/opensc-pkcs11.so answers C_CreateObject', details: { path: '/usr/lib/opensc-pkcs11.so' }, ...changes,
  };
}

/** One of everything, and findings that hosts share. */
export const SAMPLE_CHANGES: readonly StateChange[] = [
  change({ kind: 'resolved', key: 'no-weak-rsa/web09', host: 'web09', control: 'no-weak-rsa', severity: 'medium', title: 'web09: resolved: no RSA key is shorter than 2048 bits: RSA key "legacy" has 1024 bits' }),
  change(),
  change({ key: 'module-read-only/web02', host: 'web02', title: 'web02: not met: the PKCS#11 module is proven read-only: module /usr/lib/opensc-pkcs11.so answers C_CreateObject' }),
  change({ kind: 'resolved', key: 'module-read-only/web07', host: 'web07', title: 'web07: resolved: the PKCS#11 module is proven read-only: module /usr/lib/opensc-pkcs11.so answers C_CreateObject' }),
  change({ kind: 'host_lost', key: 'host/web05', host: 'web05', control: null, severity: 'high', title: 'web05: does not answer: connection refused' }),
  change({ kind: 'host_back', key: 'host/web06', host: 'web06', control: null, severity: null, title: 'web06: answers again' }),
  change({ kind: 'certificate_expires', key: 'certificate/ab', host: 'web03', control: null, severity: 'medium', title: 'web03: the certificate of CN=shop.example.org ends within 14 days, at 2026-12-08T00:00:00Z', details: { days_left: 14 } }),
  change({ kind: 'waiver_expired', key: 'waiver/no-weak-rsa/web04', host: 'web04', control: 'no-weak-rsa', severity: 'medium', title: 'web04: the waiver of "no RSA key is shorter than 2048 bits" held until 2026-11-23' }),
  change({ kind: 'check_failed', key: 'check/nightly', host: null, control: null, severity: 'high', title: 'the check of profile hsm-webserver could not be made', schedule: 'nightly', check: '20261124T140100Z-0001' }),
];
