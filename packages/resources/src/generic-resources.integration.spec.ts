import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Secret } from '@hsmfleet/contract';
import { createLinuxHost } from '@hsmfleet/linux-host';
import type { AnyResource, ExecuteContext, InputFile, Inputs, PlanOutcome, StepResult, WriteHost } from '@hsmfleet/resource';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resource as command } from './command/index.ts';
import { resource as copy } from './copy/index.ts';
import { resource as file } from './file/index.ts';
import { resource as lineinfile } from './lineinfile/index.ts';
import { resource as packages } from './package/index.ts';
import { resource as service } from './service/index.ts';
import { resource as stat } from './stat/index.ts';
import { resource as template } from './template/index.ts';
import { resource as waitFor } from './wait_for/index.ts';

/** The generic resources on the real host, in a temporary directory: what is applied converges, for every state. */

const root = process.getuid?.() === 0;
const dpkg = root && existsSync('/usr/bin/dpkg-deb');
if (!root) process.stderr.write('skipped where marked: changing owners and installing packages needs root\n');
if (root && !dpkg) process.stderr.write('skipped: installing a package file needs dpkg\n');

const dir = mkdtempSync(join(tmpdir(), 'hsmfleet-resources-'));
const at = (name: string): string => join(dir, name);
const context: ExecuteContext = {
  pins: { ask: () => Promise.resolve({ go: false, reason: 'a test' }) }, learn: () => undefined, progress: () => undefined, measured: () => undefined,
};
let host: WriteHost;

beforeAll(async () => {
  mkdirSync(at('blobs'));
  host = await createLinuxHost({
    stateDir: at('state'),
    pkcs11: {
      observe: () => Promise.reject(new Error('no tokens in this test')),
      isPinProven: () => Promise.resolve(false),
      standingOf: () => Promise.resolve('unproven'),
      provePin: () => Promise.reject(new Error('no tokens in this test')),
    },
    blob: (sha256) => at(`blobs/${sha256}`),
    report: () => undefined,
    announceArtifact: () => undefined,
  });
});
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

function inputOf(name: string, bytes: Buffer | string, secret = false): Inputs {
  const buffer = Buffer.from(bytes);
  const sha256 = createHash('sha256').update(buffer).digest('hex');
  writeFileSync(at(`blobs/${sha256}`), buffer);
  const input: InputFile = { name, sha256, size: buffer.length, secret, read: () => Promise.resolve(buffer) };
  return { src: input };
}

async function planOf(resource: AnyResource, params: Record<string, unknown>, inputs: Inputs = {}): Promise<PlanOutcome> {
  return resource.plan(params, await resource.inspect(host, params, inputs), inputs);
}

/** Applies, and proves that nothing is left to do. @returns kinds of the steps that were done */
async function converge(resource: AnyResource, params: Record<string, unknown>, inputs: Inputs = {}): Promise<string[]> {
  const { steps } = await planOf(resource, params, inputs);
  for (const step of steps) {
    await host.diff(step);
    await host.execute(step, context);
  }
  expect((await planOf(resource, params, inputs)).steps).toEqual([]);
  return steps.map((step) => step.kind);
}

describe('file', () => {
  test('directory, mode, touch, link, absent', async () => {
    expect(await converge(file, { path: at('d/e'), state: 'directory', mode: '0750' })).toEqual(['make_directory']);
    expect(await converge(file, { path: at('d/e'), mode: '0700' })).toEqual(['set_attributes']);
    expect(await converge(file, { path: at('d/e/t'), state: 'touch', mode: '0600' })).toEqual(['write_file']);
    expect(await converge(file, { path: at('d/e/t'), state: 'file', mode: '0640' })).toEqual(['set_attributes']);
    expect(await converge(file, { src: at('d/e/t'), dest: at('d/l'), state: 'link' })).toEqual(['make_link']);
    expect(await converge(file, { src: 'e/t', dest: at('d/l'), state: 'link', mode: '0644' })).toEqual(['make_link', 'set_attributes']);
    expect(await converge(file, { path: at('d/l'), mode: '0600' })).toEqual(['set_attributes']);
    expect(statSync(at('d/e/t')).mode & 0o777).toBe(0o600);
    expect(await converge(file, { src: '/nowhere', dest: at('d/dangling'), state: 'link', force: true })).toEqual(['make_link']);
    expect(await converge(file, { path: at('d/dangling'), state: 'absent' })).toEqual(['remove']);
    expect(await converge(file, { path: at('d'), state: 'absent' })).toEqual(['remove']);
    expect(existsSync(at('d'))).toBe(false);
  });

  test('recurse reaches all below but what links point at', async () => {
    mkdirSync(at('r/a/b'), { recursive: true });
    writeFileSync(at('r/a/b/f'), '');
    writeFileSync(at('elsewhere'), '');
    chmodSync(at('elsewhere'), 0o644);
    symlinkSync(at('elsewhere'), at('r/a/l'));
    expect(await converge(file, { path: at('r'), state: 'directory', recurse: true, mode: '0700' })).toEqual(['set_attributes']);
    expect(statSync(at('r/a/b/f')).mode & 0o777).toBe(0o700);
    expect(statSync(at('elsewhere')).mode & 0o777).toBe(0o644);
  });

  test.skipIf(!root)('owners by name and by number', async () => {
    writeFileSync(at('owned'), '');
    expect(await converge(file, { path: at('owned'), owner: 'www-data', group: 'www-data' })).toEqual(['set_attributes']);
    expect(await converge(file, { path: at('owned'), owner: 33 })).toEqual([]);
    symlinkSync(at('owned'), at('owned-link'));
    expect(await converge(file, { path: at('owned-link'), owner: 'www-data', follow: false })).toEqual(['set_attributes']);
    expect(lstatSync(at('owned-link')).uid).toBe(33);
    await expect(converge(file, { path: at('owned'), owner: 'nobody-at-all' })).rejects.toThrow('there is no user nobody-at-all');
  });
});

describe('copy and template', () => {
  test('bytes, text, JSON, a directory as destination', async () => {
    const blob = inputOf('files/blob.bin', Buffer.from([0, 255, 1]));
    expect(await converge(copy, { src: 'files/blob.bin', dest: at('c/'), mode: '0644' }, blob)).toEqual(['make_directory', 'write_file']);
    expect([...readFileSync(at('c/blob.bin'))]).toEqual([0, 255, 1]);
    expect(await converge(copy, { src: 'files/blob.bin', dest: at('c') }, blob)).toEqual([]);
    expect(await converge(copy, { content: 'text\n', dest: at('c/t') })).toEqual(['write_file']);
    expect(await converge(copy, { content: { a: [1] }, dest: at('c/j') })).toEqual(['write_file']);
    expect(readFileSync(at('c/j'), 'utf8')).toBe('{"a":[1]}');
    expect(await converge(copy, { content: 'other\n', dest: at('c/t'), force: false })).toEqual([]);
    expect(await converge(copy, { content: 'other\n', dest: at('c/t'), backup: true })).toEqual(['run', 'write_file']);
  });

  test('a secret is written, and shown nowhere', async () => {
    const { steps } = await planOf(copy, { content: { pin: new Secret('648219') }, dest: at('secret') });
    const [step] = steps;
    if (step === undefined) throw new Error('nothing to do');
    expect(JSON.stringify([steps, await host.diff(step), host.describe(step)])).not.toContain('648219');
    await host.execute(step, context);
    expect(readFileSync(at('secret'), 'utf8')).toBe('{"pin":"648219"}');
    expect(statSync(at('secret')).mode & 0o777).toBe(0o600);
  });

  test('a file that was encrypted is written byte for byte, and shown nowhere', async () => {
    const bytes = Buffer.from([0xff, 0, 0x0d, ...Buffer.from('648219')]);
    const input = { src: { name: 'key.bin', sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, secret: true, read: () => Promise.resolve(bytes) } };
    const { steps } = await planOf(copy, { src: 'key.bin', dest: at('bytes') }, input);
    const [step] = steps;
    if (step === undefined) throw new Error('nothing to do');
    expect(JSON.stringify([steps, await host.diff(step), host.describe(step)])).not.toMatch(/648219|NjQ4MjE5/);
    await host.execute(step, context);
    expect([readFileSync(at('bytes')).equals(bytes), statSync(at('bytes')).mode & 0o777]).toEqual([true, 0o600]);
    expect((await planOf(copy, { src: 'key.bin', dest: at('bytes') }, input)).steps).toEqual([]);
  });

  test('a template, also one that a secret went into', async () => {
    expect(await converge(template, { src: 't.j2', dest: at('tpl'), mode: '0640' }, inputOf('templates/t.j2', 'rendered\n'))).toEqual(['write_file']);
    const secret = await planOf(template, { src: 't.j2', dest: at('tpl') }, inputOf('t.j2', 'pin 648219\n', true));
    expect(secret.steps).toMatchObject([{ kind: 'write_file', content: { from: 'secret' } }]);
  });
});

test('lineinfile', async () => {
  expect(await converge(lineinfile, { path: at('conf'), line: 'a=1', create: true, mode: '0600' })).toEqual(['write_file']);
  expect(await converge(lineinfile, { path: at('conf'), regexp: '^a=', line: 'a=2' })).toEqual(['write_file']);
  expect(await converge(lineinfile, { path: at('conf'), line: 'b', insertbefore: '^a' })).toEqual(['write_file']);
  expect(readFileSync(at('conf'), 'utf8')).toBe('b\na=2\n');
  expect(await converge(lineinfile, { path: at('conf'), regexp: '^a', state: 'absent' })).toEqual(['write_file']);
  expect(statSync(at('conf')).mode & 0o777).toBe(0o600);
  const { steps } = await planOf(lineinfile, { path: at('conf'), line: new Secret('pin 648219') });
  const [step] = steps;
  if (step === undefined) throw new Error('nothing to do');
  expect(JSON.stringify([steps, await host.diff(step), host.describe(step)])).not.toContain('648219');
  await host.execute(step, context);
  expect(readFileSync(at('conf'), 'utf8')).toContain('pin 648219\n');
});

test('stat', async () => {
  writeFileSync(at('seen'), 'abc');
  const { result } = await planOf(stat, { path: at('seen') });
  expect(result?.stat).toMatchObject({ exists: true, isreg: true, size: 3, checksum: 'a9993e364706816aba3e25717850c26c9cd0d89d' });
  expect((await planOf(stat, { path: at('seen'), checksum_algorithm: 'sha256' })).result?.stat)
    .toMatchObject({ checksum: createHash('sha256').update('abc').digest('hex') });
  expect((await planOf(stat, { path: at('none') })).result).toEqual({ stat: { exists: false } });
});

test('command: creates and removes make it a state', async () => {
  const params = { _raw_params: `touch '${at('made by a command')}' creates="${at('made*')}"` };
  expect(await converge(command, params)).toEqual(['run']);
  expect(await converge(command, { argv: ['rm', at('made by a command')], removes: at('made?by*') })).toEqual(['run']);
  const { steps } = await planOf(command, { cmd: 'pwd', chdir: dir });
  const results: StepResult[] = [];
  for (const step of steps) results.push(await host.execute(step, context));
  expect(command.result?.({ cmd: 'pwd' }, {}, results)).toMatchObject({ rc: 0, stdout: dir, stdout_lines: [dir], cmd: ['pwd'] });
});

test('wait_for: a port, a file, a line, and a deadline', async () => {
  const server = createServer((socket) => { socket.on('error', () => undefined); socket.resume(); });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as { port: number };
  expect((await planOf(waitFor, { port })).steps).toEqual([]);
  await expect(planOf(waitFor, { port, state: 'stopped', timeout: 0.2, sleep: 0.05 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  await new Promise((resolve) => server.close(resolve));
  expect((await planOf(waitFor, { port, state: 'stopped', timeout: 1 })).steps).toEqual([]);
  setTimeout(() => { writeFileSync(at('log'), 'starting\nready 1\n'); }, 150);
  const { result } = await planOf(waitFor, { path: at('log'), search_regex: '^ready \\d', timeout: 5, sleep: 0.05 });
  expect(result).toMatchObject({ state: 'started', path: at('log') });
  await expect(planOf(waitFor, { path: at('log'), state: 'absent', timeout: 0.1, msg: 'it stayed' })).rejects.toThrow('it stayed');
});

describe.skipIf(!root || existsSync('/run/systemd/system'))('service, by init script (skipped without root or with systemd)', () => {
  const name = 'hsmfleet-spec-service';
  const script = `/etc/init.d/${name}`;
  beforeAll(() => {
    writeFileSync(script, [
      '#!/bin/sh', '### BEGIN INIT INFO', `# Provides: ${name}`, '# Required-Start:', '# Required-Stop:',
      '# Default-Start: 2 3 4 5', '# Default-Stop: 0 1 6', '### END INIT INFO', `f=${at('service-runs')}`,
      'case "$1" in start) touch "$f";; stop) rm -f "$f";; restart|reload) echo "$1" >> "$f";; status) test -e "$f" || exit 3;; esac', '',
    ].join('\n'), { mode: 0o755 });
  });
  afterAll(() => {
    rmSync(script, { force: true });
    execFileSync('/usr/sbin/update-rc.d', [name, 'remove'], { stdio: 'ignore' });
  });

  test('started, restarted, enabled, disabled, stopped; each is verified', async () => {
    const verify = (params: Record<string, unknown>): Promise<void> => service.verify?.(host, params, null) ?? Promise.reject(new Error('no verify'));
    expect(await converge(service, { name, state: 'started' })).toEqual(['service']);
    await verify({ name, state: 'started' });
    const { steps } = await planOf(service, { name, state: 'restarted' });
    for (const step of steps) await host.execute(step, context);
    expect(readFileSync(at('service-runs'), 'utf8')).toBe('restart\n');
    expect(await converge(service, { name, enabled: true })).toEqual(['service']);
    expect(await converge(service, { name, enabled: false })).toEqual(['service']);
    expect(await converge(service, { name, state: 'stopped' })).toEqual(['service']);
    await verify({ name, state: 'stopped', enabled: false });
    await expect(host.execute({ kind: 'service', unit: 'no-such-service', action: 'start' }, context)).rejects.toThrow('the host has no service no-such-service');
  });
});

describe.skipIf(!dpkg)('package, from a file (skipped without root and dpkg)', () => {
  const name = 'hsmfleet-spec-package';
  afterAll(() => {
    try {
      execFileSync('dpkg', ['--purge', name], { stdio: 'ignore' });
    } catch {
      // it was never installed
    }
  });

  function build(version: string): Inputs {
    const tree = at(`deb-${version}`);
    mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
    writeFileSync(join(tree, 'DEBIAN/control'), `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: a test <test@example.org>\nDescription: empty\n`);
    const path = at(`${name}_${version}_all.deb`);
    execFileSync('dpkg-deb', ['--build', tree, path], { stdio: 'ignore' });
    return inputOf(basename(path), readFileSync(path));
  }

  test('installed, an older version, removed', async () => {
    for (const version of ['2.0-1', '1.0-1']) {
      const inputs = build(version);
      expect(await converge(packages, { src: inputs.src?.name }, inputs)).toContain('run');
      expect(execFileSync('dpkg-query', ['-W', '-f', '${Version}', name], { encoding: 'utf8' })).toBe(version);
    }
    expect(await converge(packages, { name: [name, 'dpkg'], state: 'present' })).toEqual([]);
    expect(await converge(packages, { name, state: 'latest', update_cache: false })).toEqual([]);
    expect(await converge(packages, { name, state: 'absent' })).toEqual(['run']);
  }, 60_000);
});
