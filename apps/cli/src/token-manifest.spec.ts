import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyRow } from '@hsmfleet/contract';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeOperatorKey, readOperator, showManifest, verifyManifest, writeManifest, type SeenToken } from './token-manifest.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-manifest-'));
  await makeOperatorKey(at('op'));
});
afterEach(() => { rmSync(folder, { recursive: true }); });

const held = generateKeyPairSync('rsa', { modulusLength: 1024 });
const spki = held.publicKey.export({ type: 'spki', format: 'der' });
const fingerprint = createHash('sha256').update(spki).digest('hex');
const signer = { keyId: fingerprint, spki, sign: (bytes: Buffer) => Promise.resolve(sign('sha256', bytes, held.privateKey)) };
const key: KeyRow = { id: '01', label: 'old', class: 'pair', type: 'rsa', bits: 1024, curve: null, fingerprint, sensitive: true, extractable: false };
const seen = (more: Partial<SeenToken['token']> = {}): SeenToken => ({
  module: { path: '/p11.so', sha256: null, description: 'lib', version: '1.0' },
  token: { label: 'Web', serial: 'S1', manufacturer: 'M', model: 'HSM', identity: 'i', keys: [key], certificates: [], ...more },
});

test('a key of an operator is for its owner only, and never overwritten', async () => {
  expect(statSync(at('op')).mode & 0o777).toBe(0o600);
  expect(readFileSync(at('op.pub'), 'utf8')).toContain('BEGIN PUBLIC KEY');
  await expect(makeOperatorKey(at('op'))).rejects.toMatchObject({ code: 'USAGE', message: `${at('op')} exists already` });
});

describe('a manifest', () => {
  test('is written, shown, and verified with the token it is of', async () => {
    const said = await writeManifest(at('web.json'), seen(), await readOperator(at('op')), { note: 'for the shop', force: false, signers: [signer] });
    expect(said.text).toContain('signed       by the operator and by its keys 01');
    const shown = await showManifest(at('web.json'));
    expect(shown.text).toContain(`key 01       "old", rsa 1024, ${fingerprint}, sensitive, not extractable`);
    expect(shown.text).toContain(': for the shop');
    expect(shown.json).toMatchObject({ version: 1, token: { serial: 'S1', fingerprints: [fingerprint] }, module: { path: '/p11.so' } });
    const verified = await verifyManifest(at('web.json'), [at('op.pub')], seen());
    expect(verified.text).toMatch(/\(trusted\), prepared by .*\nevery key of the token signed it as well\ntoken "Web" is the one/);
    expect(verified.json).toMatchObject({ possession: [fingerprint], token: { verdict: 'proven' } });
  });

  test('names every field in which a token differs', async () => {
    await writeManifest(at('web.json'), seen(), await readOperator(at('op')), { force: false, signers: [] });
    expect((await verifyManifest(at('web.json'), [at('op.pub')], undefined)).text).toContain('possession was not shown of key 01');
    await expect(verifyManifest(at('web.json'), [at('op.pub')], seen({ serial: 'S2', keys: [key, { ...key, id: '02', fingerprint: 'f'.repeat(64) }] }))).rejects.toMatchObject({
      code: 'CUSTODY', message: expect.stringMatching(/is not the one of .*: serial number: "S2" instead of "S1".*; key 02 "old" .* is on the token, but not in the manifest/) as string,
    });
  });

  test('is not written over another one, nor with a key that others can read', async () => {
    writeFileSync(at('web.json'), '{}');
    await expect(writeManifest(at('web.json'), seen(), await readOperator(at('op')), { force: false, signers: [] })).rejects.toMatchObject({ code: 'USAGE', message: `${at('web.json')} exists already` });
    await writeManifest(at('web.json'), seen(), await readOperator(at('op')), { force: true, signers: [] });
    chmodSync(at('op'), 0o640);
    await expect(readOperator(at('op'))).rejects.toMatchObject({ message: expect.stringContaining('can be read by others (mode 0640)') as string });
  });
});
