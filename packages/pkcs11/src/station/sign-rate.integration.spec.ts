import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '@hsmfleet/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSoftToken, whyNoTokens, type SoftToken } from '../testkit.ts';
import { openStation } from './open-station.ts';

const reason = whyNoTokens();
if (reason !== undefined) process.stderr.write(`signing rate tests are skipped: ${reason}\n`);

describe.skipIf(reason !== undefined)('the signing rate of a key', () => {
  let token: SoftToken;
  let stateDir: string;
  beforeAll(() => {
    token = makeSoftToken('Rate');
    token.addKey('rsa2048', '01', 'rsa', '/CN=rsa');
    token.addKey('p256', '02', 'ec', '/CN=ec');
    stateDir = mkdtempSync(join(tmpdir(), 'hsmfleet-rate-'));
  });
  afterAll(() => {
    token.remove();
    rmSync(stateDir, { recursive: true, force: true });
  });

  test('is measured in one and in several sessions, and leaves the session as it was', async () => {
    const session = await openStation({ stateDir }).open({ module: token.target, token: { label: 'Rate' } });
    try {
      await session.login(new Secret(token.pin, 'test'));
      for (const [keyId, algorithm] of [['01', 'rsa-pkcs1-sha256'], ['02', 'ecdsa-sha256']] as const) {
        for (const sessions of [1, 4]) {
          const rate = await session.signRate({ keyId, sessions, seconds: 0.3 });
          expect(rate).toMatchObject({ algorithm, failed: 0, problem: null });
          expect(rate.signatures).toBeGreaterThanOrEqual(sessions);
          expect(rate.elapsedS).toBeGreaterThanOrEqual(0.3);
        }
      }
      expect((await session.objects({ class: 'private' })).map(({ id }) => id).sort()).toEqual(['01', '02']);
      await expect(session.signRate({ keyId: '09', sessions: 1, seconds: 0.1 })).rejects.toThrow('no private key with ID 09');
    } finally {
      await session.close();
    }
  });
});
