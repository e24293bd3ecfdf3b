import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packRuntime } from './node-runtime.ts';

let workspace: string;
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'hsmfleet-runtime-'));
  mkdirSync(join(workspace, 'node_modules/node/bin'), { recursive: true });
  writeFileSync(join(workspace, 'node_modules/node/bin/node'), 'a binary');
  writeFileSync(join(workspace, 'node_modules/node/package.json'), '{"version": "24.1.2"}');
});
afterEach(() => { rmSync(workspace, { recursive: true }); });

it('is packed once, and again when the binary changed', async () => {
  let packed = 0;
  const pack = () => packRuntime(workspace, () => { packed += 1; });
  const first = await pack();
  expect(first).toMatchObject({ version: '24.1.2', compression: 'gzip', path: join(workspace, `.cache/runtime/node-24.1.2-linux-${process.arch}.gz`) });
  const bytes = readFileSync(first.path);
  expect(gunzipSync(bytes).toString()).toBe('a binary');
  expect(first).toMatchObject({ size: statSync(first.path).size, sha256: createHash('sha256').update(bytes).digest('hex') });
  await expect(pack()).resolves.toEqual(first);
  expect(packed).toBe(1);
  writeFileSync(join(workspace, 'node_modules/node/bin/node'), 'another binary');
  expect(gunzipSync(readFileSync((await pack()).path)).toString()).toBe('another binary');
  // a file that was cut short is not believed
  writeFileSync(first.path, 'x');
  await pack();
  expect(packed).toBe(3);
});

it('that is missing is named', async () => {
  rmSync(join(workspace, 'node_modules'), { recursive: true });
  await expect(packRuntime(workspace)).rejects.toMatchObject({ code: 'FILE_MISSING', hint: expect.stringMatching(/^run `npm run setup`/) as unknown });
});
