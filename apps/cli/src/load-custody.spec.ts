import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plan, TokenManifest, Value } from '@hsmfleet/contract';
import { createOperatorKey, operatorSigner, sealManifest } from '@hsmfleet/custody';
import type { CompiledPlay } from '@hsmfleet/playbook';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CustodyLoader } from './load-custody.ts';

let folder: string;
const operator = createOperatorKey();
const at = (name: string): string => join(folder, name);

function manifest(serial: string): TokenManifest {
  const fingerprint = serial.padEnd(64, '0');
  return {
    version: 1, token: { label: 'Web', serial, manufacturer: '', model: '', identity: '', fingerprints: [fingerprint] },
    keys: [{ id: '01', label: 'k', type: 'ec', bits: 256, curve: 'prime256v1', fingerprint, spki: null, sensitive: null, extractable: null }],
    certificates: [], prepared: { by: 'op', at: '2026-01-01T00:00:00.000Z', host: 's', program: 'hsmfleet' },
    module: { path: '/p11.so', sha256: null, description: '', version: '1.0' },
  };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-custody-'));
  mkdirSync(at('manifests'));
  mkdirSync(at('none'));
  writeFileSync(at('op.pub'), operator.publicKey);
  for (const serial of ['a1', 'b2']) writeFileSync(at(`manifests/${serial}.json`), await sealManifest(manifest(serial), [operatorSigner(operator.privateKey, 'k')]));
});
afterAll(() => { rmSync(folder, { recursive: true }); });

/** A play of two hosts with these variables. */
function play(variables: Record<string, Record<string, Value>> = {}): CompiledPlay {
  const hosts = ['web01', 'web02'];
  return {
    plans: new Map(hosts.map((host) => [host, { host } as Plan])), connection: new Map(hosts.map((host) => [host, variables[host] ?? {}])),
  } as unknown as CompiledPlay;
}
const serials = (plans: Map<string, Plan>): (string[] | undefined)[] => [...plans.values()].map(({ custody }) => custody?.map(({ serial }) => serial));

describe('manifests', () => {
  test('of the command line are for all hosts, a folder stands for its files, and equal ones count once', async () => {
    const loader = new CustodyLoader({ manifest: [at('manifests'), at('manifests/a1.json')], manifestKey: [at('op.pub')] }, '/');
    expect(serials(await loader.addTo(play()))).toEqual([['a1', 'b2'], ['a1', 'b2']]);
  });

  test('that variables name are for their host, relative to the playbook', async () => {
    const loader = new CustodyLoader({}, folder);
    const plans = await loader.addTo(play({ web02: { hsmfleet_manifests: 'manifests/b2.json', hsmfleet_manifest_keys: ['op.pub'] } }));
    expect(serials(plans)).toEqual([undefined, ['b2']]);
  });

  test('give way to those of the command line', async () => {
    const loader = new CustodyLoader({ manifest: [at('manifests/a1.json')], manifestKey: [at('op.pub')] }, folder);
    expect(serials(await loader.addTo(play({ web02: { hsmfleet_manifests: 'manifests/b2.json' } })))).toEqual([['a1'], ['a1']]);
  });

  test.each([
    ['a manifest without a key', () => new CustodyLoader({ manifest: ['x'] }, '/'), 'USAGE', '--manifest needs a key to trust'],
    ['a key without a manifest', () => new CustodyLoader({ manifestKey: ['x'] }, '/'), 'USAGE', '--manifest-key is for manifests'],
    ['no such file', () => new CustodyLoader({ manifest: ['/nowhere'], manifestKey: [at('op.pub')] }, '/').addTo(play()), 'FILE_MISSING', 'cannot read /nowhere'],
    ['an empty folder', () => new CustodyLoader({ manifest: [at('none')], manifestKey: [at('op.pub')] }, '/').addTo(play()), 'FILE_MISSING', 'holds no manifests'],
    ['a key that is none', () => new CustodyLoader({ manifest: [at('manifests')], manifestKey: [at('manifests/a1.json')] }, '/').addTo(play()), 'MANIFEST_INVALID', 'holds no public key in PEM'],
    ['a variable of another kind', () => new CustodyLoader({}, '/').addTo(play({ web01: { hsmfleet_manifests: [1] } })), 'PLAYBOOK_INVALID', 'hsmfleet_manifests of web01 has to be a file name'],
    ['variables without a key', () => new CustodyLoader({}, '/').addTo(play({ web01: { hsmfleet_manifests: 'a' } })), 'PLAYBOOK_INVALID', 'web01 has hsmfleet_manifests, but no hsmfleet_manifest_keys'],
  ])('%s is said before any host is touched', async (_title, act, code, message) => {
    await expect((async () => { await act(); })()).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
  });
});
