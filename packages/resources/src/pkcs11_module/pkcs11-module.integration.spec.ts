import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createLinuxHost } from '@hsmfleet/linux-host';
import { createPkcs11Port } from '@hsmfleet/pkcs11';
import { childArgvForTests, makeSoftToken, whyNoTokens, type SoftToken } from '@hsmfleet/pkcs11/testkit';
import type { ExecuteContext, Inputs, WriteHost } from '@hsmfleet/resource';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resource } from './index.ts';

const reason = whyNoTokens();
if (reason !== undefined) process.stderr.write(`module tests are skipped: ${reason}\n`);

const context: ExecuteContext = {
  pins: { ask: () => Promise.resolve({ go: false, reason: 'no PIN is needed here' }) },
  learn: () => undefined,
  progress: () => undefined, measured: () => undefined,
};

describe.skipIf(reason !== undefined)('pkcs11_module', () => {
  let token: SoftToken;
  let host: WriteHost;
  let inputs: Inputs;
  beforeAll(async () => {
    token = makeSoftToken('Web Token');
    token.addKey('p256', '01', 'web');
    const library = readFileSync(token.target.path);
    const sha256 = createHash('sha256').update(library).digest('hex');
    mkdirSync(join(token.folder, 'blobs'));
    copyFileSync(token.target.path, join(token.folder, 'blobs', sha256));
    inputs = { src: { name: 'p11.so', sha256, size: library.length, secret: false, read: () => Promise.resolve(library) } };
    const stateDir = join(token.folder, 'state');
    const pkcs11 = createPkcs11Port({ childArgv: childArgvForTests(), stateDir });
    host = await createLinuxHost({ stateDir, pkcs11, blob: (hash) => join(token.folder, 'blobs', hash), report: () => undefined, announceArtifact: () => undefined });
  });
  afterAll(() => token.remove());

  const plan = async (params: Record<string, unknown>, files: Inputs = {}) => resource.plan(params, await resource.inspect(host, params, files), files);

  test('installs a library with its links, then refuses it since it can write', async () => {
    const path = join(token.folder, 'lib', 'p11.so');
    const link = join(token.folder, 'p11-link.so');
    const params = { path, src: 'p11.so', links: [link], env: token.target.env ?? {} };
    const { steps } = await plan(params, inputs);
    expect(steps.map(({ kind }) => kind)).toEqual(['make_directory', 'write_file', 'make_link']);
    for (const step of steps) await host.execute(step, context);
    expect(readFileSync(path).equals(readFileSync(token.target.path))).toBe(true);
    expect(readlinkSync(link)).toBe(path);

    await expect(plan(params, inputs)).rejects.toMatchObject({ code: 'MODULE_WRITABLE', hint: expect.stringContaining('read_only: false') as unknown });
    const allowed = await plan({ ...params, read_only: false, token: 'Web Token' }, inputs);
    expect(allowed.steps).toEqual([]);
    expect(allowed.result).toMatchObject({ read_only: false, description: 'Implementation of PKCS11', tokens: expect.arrayContaining([expect.objectContaining({ label: 'Web Token' })]) as unknown });
  });

  test('takes the same token behind a write-protected server, and says when it hangs', async () => {
    const { target, pid } = await token.serveReadOnly();
    const params = { path: target.path, env: target.env ?? {}, token: 'Web Token' };
    const { steps, warnings, result } = await plan(params);
    expect([steps, warnings]).toEqual([[], []]);
    expect(result).toMatchObject({ read_only: true, proof: { openReadWriteSession: 'CKR_TOKEN_WRITE_PROTECTED' } });
    await expect(plan({ ...params, token: 'Other' })).rejects.toMatchObject({ code: 'TOKEN_NOT_FOUND', message: expect.stringContaining('(present: "Web Token")') as string });

    process.kill(pid, 'SIGSTOP');
    const stopped = createPkcs11Port({ childArgv: childArgvForTests(), stateDir: join(token.folder, 'state') });
    const hung = await resource.inspect({ ...host, pkcs11: stopped }, { ...params, timeout: 0.7 }, {});
    expect(() => resource.plan({ ...params, read_only: false }, hung, {})).toThrow(/did not answer within 0\.7 s/);
    process.kill(pid, 'SIGCONT');
  });

  test('a client without a server behind it is refused: there was no token to ask', async () => {
    const params = { path: '/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so', env: { P11_KIT_SERVER_ADDRESS: 'unix:path=/nonexistent' } };
    await expect(plan(params)).rejects.toMatchObject({ code: 'MODULE_WRITABLE', message: expect.stringContaining('no initialized token was there to ask') as unknown });
  });
});
