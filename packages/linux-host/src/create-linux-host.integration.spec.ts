import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey } from 'node:crypto';
import { chmodSync, existsSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { Secret } from '@hsmfleet/contract';
import { StepFailedError, type ExecuteContext, type RunProgram, type Step, type WriteHost } from '@hsmfleet/resource';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLinuxHost } from './create-linux-host.ts';

const root = process.getuid?.() === 0;
if (!root) process.stderr.write('skipped where marked: changing owners needs root\n');
const dir = mkdtempSync(join(tmpdir(), 'hsmfleet-host-'));
const blobs = join(dir, 'blobs');
const learned: string[] = [];
const context: ExecuteContext = {
  pins: { ask: () => Promise.resolve({ go: false, reason: 'a test' }) },
  learn: (secret) => { learned.push(secret.reveal()); },
  progress: () => undefined, measured: () => undefined,
};
let host: WriteHost;

beforeAll(async () => {
  mkdirSync(blobs);
  host = await createLinuxHost({
    stateDir: join(dir, 'state'),
    pkcs11: {
      observe: () => Promise.reject(new Error('no tokens in this test')),
      isPinProven: () => Promise.resolve(false),
      standingOf: () => Promise.resolve('unproven'),
      provePin: () => Promise.reject(new Error('no tokens in this test')),
    },
    blob: (sha256) => join(blobs, sha256),
    report: () => undefined,
    announceArtifact: () => undefined,
  });
});
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

const at = (name: string): string => join(dir, name);
const execute = (step: Step): ReturnType<WriteHost['execute']> => host.execute(step, context);
const run = (argv: string[], more: Partial<RunProgram> = {}): ReturnType<WriteHost['execute']> =>
  execute({ kind: 'run', argv, why: 'a test', ...more });

describe('files', () => {
  test('a new file gets 0644, a new secret file 0600, and a given mode wins over the umask', async () => {
    await execute({ kind: 'write_file', path: at('a'), content: { from: 'text', text: 'one\n' } });
    await execute({ kind: 'write_file', path: at('s'), content: { from: 'secret', text: new Secret('648219') } });
    await execute({ kind: 'write_file', path: at('m'), content: { from: 'text', text: '' }, mode: 0o666 });
    expect((await host.stat(at('a')))?.mode).toBe(0o644);
    expect((await host.stat(at('s')))?.mode).toBe(0o600);
    expect((await host.stat(at('m')))?.mode).toBe(0o666);
    expect(learned).toContain('648219');
  });

  test.skipIf(!root)('what is not given stays: owner, group and mode', async () => {
    writeFileSync(at('b'), 'old');
    await execute({ kind: 'set_attributes', path: at('b'), owner: 'www-data', group: '12', mode: 0o640 });
    await execute({ kind: 'write_file', path: at('b'), content: { from: 'text', text: 'new' } });
    expect(await host.stat(at('b'))).toMatchObject({ owner: 'www-data', gid: 12, mode: 0o640, size: 3 });
  });

  test('writing goes through a link, also one whose target is missing', async () => {
    writeFileSync(at('target'), 'old');
    symlinkSync('target', at('link'));
    symlinkSync('later', at('dangling'));
    await execute({ kind: 'write_file', path: at('link'), content: { from: 'text', text: 'new' } });
    await execute({ kind: 'write_file', path: at('dangling'), content: { from: 'text', text: 'made' } });
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(at('target'), 'utf8')).toBe('new');
    expect(readFileSync(at('later'), 'utf8')).toBe('made');
  });

  test('a failed write leaves the old file and no temporary one', async () => {
    mkdirSync(at('full'));
    writeFileSync(at('full/x'), 'old');
    await expect(execute({ kind: 'write_file', path: at('full/x'), content: { from: 'text', text: 'new' }, owner: 'nobody-at-all' })).rejects.toMatchObject({
      code: 'TASK_FAILED', message: 'there is no user nobody-at-all on the host',
    });
    await expect(execute({ kind: 'write_file', path: at('full/x'), content: { from: 'blob', sha256: 'f'.repeat(64) } })).rejects.toMatchObject({ code: 'AGENT' });
    await expect(execute({ kind: 'write_file', path: at('nowhere/x'), content: { from: 'text', text: '' } })).rejects.toMatchObject({
      message: `cannot write ${at('nowhere/x')}: no such file or directory`, hint: expect.stringContaining('create the directory') as string,
    });
    await expect(execute({ kind: 'write_file', path: at('full'), content: { from: 'text', text: '' } })).rejects.toThrow('is a directory');
    expect(readdirSync(at('full'))).toEqual(['x']);
    expect(readFileSync(at('full/x'), 'utf8')).toBe('old');
  });

  test('the hash follows the contents', async () => {
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
    writeFileSync(at('h'), 'one');
    expect(await host.sha256(at('h'))).toBe(hash('one'));
    const { mtime } = statSync(at('h'));
    writeFileSync(at('h'), 'two');
    utimesSync(at('h'), mtime, mtime);
    expect(await host.sha256(at('h'))).toBe(hash('two'));
    expect(await host.sha256(at('none'))).toBeUndefined();
    await expect(host.sha256('/dev/zero')).rejects.toMatchObject({ message: '/dev/zero is not a regular file, so it has no checksum' });
  });

  test('directories: all that are made get the mode; recursive leaves links alone', async () => {
    await execute({ kind: 'make_directory', path: at('d/e/f'), mode: 0o750 });
    expect((await host.stat(at('d/e')))?.mode).toBe(0o750);
    writeFileSync(at('outside'), '');
    chmodSync(at('outside'), 0o600);
    symlinkSync('../outside', at('d/l'));
    writeFileSync(at('d/e/x'), '');
    await execute({ kind: 'set_attributes', path: at('d'), mode: 0o700, recursive: true });
    expect((await host.stat(at('d/e/x')))?.mode).toBe(0o700);
    expect((await host.stat(at('outside')))?.mode).toBe(0o600);
  });

  test('links: made, turned round, and a file gives way only when forced', async () => {
    await execute({ kind: 'make_link', path: at('k'), target: '/one' });
    await execute({ kind: 'make_link', path: at('k'), target: '/two' });
    expect((await host.lstat(at('k')))?.target).toBe('/two');
    writeFileSync(at('kf'), '');
    await expect(execute({ kind: 'make_link', path: at('kf'), target: '/x' })).rejects.toThrow('is no link');
    await execute({ kind: 'make_link', path: at('kf'), target: '/x', force: true });
    expect((await host.lstat(at('kf')))?.target).toBe('/x');
  });

  test('removing a link to a directory keeps the directory', async () => {
    mkdirSync(at('keep/inner'), { recursive: true });
    symlinkSync('keep', at('to-keep'));
    await execute({ kind: 'remove', path: at('to-keep') });
    expect(existsSync(at('keep/inner'))).toBe(true);
    await execute({ kind: 'remove', path: at('keep') });
    expect(existsSync(at('keep'))).toBe(false);
    await expect(execute({ kind: 'remove', path: '/' })).rejects.toThrow('refusing');
  });

  test('a file over the limit is refused, a missing one is undefined', async () => {
    writeFileSync(at('big'), Buffer.alloc(2000));
    await expect(host.readFile(at('big'), 1000)).rejects.toThrow('larger than 1000 bytes');
    expect(await host.readFile(at('no/such/file'))).toBeUndefined();
    expect((await host.readText('/proc/self/stat'))?.length).toBeGreaterThan(10);
  });
});

describe('programs', () => {
  test('exit code, output, minimal environment, working directory', async () => {
    process.env.HSMFLEET_LEAK = 'yes';
    const result = await host.query(['/bin/sh', '-c', 'env; pwd; echo oops >&2; exit 3'], { cwd: '/tmp', env: { EXTRA: '1' } });
    expect(result).toMatchObject({ code: 3, stderr: 'oops\n', timedOut: false });
    expect(result.stdout).toContain('LANG=C.UTF-8');
    expect(result.stdout).toContain('EXTRA=1');
    expect(result.stdout).not.toContain('HSMFLEET_LEAK');
    expect(result.stdout.endsWith('/tmp\n')).toBe(true);
  });

  test('a program that is not there', async () => {
    expect(await host.query(['/no/such/program'])).toMatchObject({ code: -1, stderr: expect.stringContaining('ENOENT') as string });
    await expect(run(['/no/such/program'])).rejects.toMatchObject({ code: 'COMMAND_FAILED', message: expect.stringContaining('cannot start /no/such/program') as string });
  });

  test('the whole group dies at the deadline', async () => {
    const marker = at('alive');
    const result = await host.query(['/bin/sh', '-c', `(sleep 1; echo > ${marker}) & sleep 30`], { timeoutMs: 200 });
    expect(result.timedOut).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(existsSync(marker)).toBe(false);
  });

  test('a daemon that keeps the output open is not waited for', async () => {
    const started = Date.now();
    const result = await host.query(['/bin/sh', '-c', 'sleep 5 & echo done']);
    expect(result.stdout).toBe('done\n');
    expect(Date.now() - started).toBeLessThan(3000);
  });

  test('output is bounded, and a program that has run wild is killed', async () => {
    const result = await host.query(['/usr/bin/yes'], { maxOutput: 1000, timeoutMs: 10_000 });
    expect(result.stdout).toHaveLength(1000);
    expect(result.code).toBe(128 + 9);
    expect(result.timedOut).toBe(false);
  });

  test('a failure carries its result and the tail of what it said', async () => {
    const failure = await run(['/bin/sh', '-c', 'echo out; echo reason >&2; exit 4']).catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(StepFailedError);
    expect(failure).toMatchObject({ code: 'COMMAND_FAILED', message: '/bin/sh ended with exit code 4: reason', result: { code: 4, stdout: 'out\n' } });
    expect((await run(['/bin/sh', '-c', 'exit 4'], { okCodes: [0, 4] })).code).toBe(4);
    await expect(run(['/bin/sleep', '9'], { timeoutMs: 100 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  test('a secret on standard input and in a file, which is gone afterwards', async () => {
    const secret = new Secret('hunter22');
    const result = await run(['/bin/sh', '-c', 'cat; cat "$1"; stat -c " %a %n" "$1"', 'x', '{pin}'], { stdin: secret, secretFiles: { pin: secret } });
    expect(result.stdout).toMatch(/^hunter22hunter22 600 \//);
    const path = result.stdout?.trim().split(' ')[2] ?? '';
    expect(path).not.toBe('');
    expect(existsSync(path)).toBe(false);
    expect(learned).toContain('hunter22');
    const failure = await run(['/bin/sh', '-c', 'echo "$1"; exit 1', 'x', '{pin}'], { secretFiles: { pin: secret } }).catch((thrown: unknown) => thrown);
    expect(existsSync((failure as StepFailedError).result.stdout?.trim() ?? '/')).toBe(false);
  });

  test('a lock is held while the program runs', async () => {
    const lock = at('locks/l');
    const order = at('order');
    const script = (name: string): string[] => ['/bin/sh', '-c', `echo ${name} in >> ${order}; sleep 0.2; echo ${name} out >> ${order}`];
    await Promise.all([run(script('a'), { lock }), run(script('b'), { lock })]);
    const lines = readFileSync(order, 'utf8').trim().split('\n').map((line) => line.split(' ')[1]);
    expect(lines).toEqual(['in', 'out', 'in', 'out']);
    const holder = host.query(['flock', lock, 'sleep', '2']);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await expect(run(['true'], { lock, timeoutMs: 2000 })).rejects.toMatchObject({ code: 'HOST_BUSY' });
    await holder;
  });

  test.skipIf(!root)('as another user, with its groups', async () => {
    const result = await host.query(['/usr/bin/id', '-un'], { user: 'www-data' });
    expect(result.stdout.trim()).toBe('www-data');
    expect((await run(['/usr/bin/id', '-G'], { user: 'www-data', lock: at('locks/u') })).stdout?.trim())
      .toBe(execFileSync('/usr/bin/id', ['-G', 'www-data'], { encoding: 'utf8' }).trim());
    await expect(host.query(['true'], { user: 'nobody-at-all' })).rejects.toThrow('there is no user');
  });

  test.skipIf(!root)('owner and mode of kept files come back', async () => {
    writeFileSync(at('kept'), '');
    await execute({ kind: 'set_attributes', path: at('kept'), group: 'www-data', mode: 0o640 });
    await run(['/bin/sh', '-c', `rm ${at('kept')}; touch ${at('kept')}; chmod 600 ${at('kept')}`], { keepAttributes: [at('kept')] });
    expect(await host.stat(at('kept'))).toMatchObject({ group: 'www-data', mode: 0o640 });
  });
});

describe('what a step would change', () => {
  test('text, binary, secret, attributes', async () => {
    writeFileSync(at('t'), 'one\ntwo\n');
    chmodSync(at('t'), 0o664);
    const diffs = await host.diff({ kind: 'write_file', path: at('t'), content: { from: 'text', text: 'one\n2\n' }, mode: 0o644 });
    expect(diffs[0]?.unified).toContain('-two\n+2\n');
    expect(diffs[1]).toEqual({ path: at('t'), note: 'mode 0664 -> 0644' });
    expect(JSON.stringify(await host.diff({ kind: 'write_file', path: at('t'), content: { from: 'secret', text: new Secret('648219') } }))).not.toContain('648219');
    writeFileSync(join(blobs, 'b'), Buffer.from([0, 1, 2]));
    expect(await host.diff({ kind: 'write_file', path: at('t'), content: { from: 'blob', sha256: 'b' } }))
      .toEqual([{ path: at('t'), note: 'binary contents differ: 8 -> 3 bytes' }]);
    expect(await host.diff({ kind: 'write_file', path: at('t'), content: { from: 'text', text: 'one\ntwo\n' } })).toEqual([]);
    for (const mode of [0o600, 0o640]) {
      chmodSync(at('t'), mode);
      expect(JSON.stringify(await host.diff({ kind: 'write_file', path: at('t'), content: { from: 'text', text: 'plain' } }))).not.toContain('two');
    }
  });

  test('one line for each kind of step', () => {
    expect(host.describe({ kind: 'write_file', path: '/a', content: { from: 'text', text: 'x' }, mode: 0o640, owner: 'root' })).toBe('write /a (mode 0640, owner root)');
    expect(host.describe({ kind: 'make_link', path: '/a', target: 'b' })).toBe('link /a -> b');
    expect(host.describe({ kind: 'service', unit: 'apache2', action: 'reload' })).toBe('reload apache2');
  });
});

test('a socket of the file system is open while somebody listens on it, whatever name it was bound under', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(at('bound'), resolve); });
  renameSync(at('bound'), at('socket'));
  expect(await host.socketOpen(at('socket'))).toBe(true);
  linkSync(at('socket'), at('left'));
  await new Promise((resolve) => server.close(resolve));
  expect(await host.socketOpen(at('left'))).toBe(false);
  expect(await host.socketOpen(at('never'))).toBe(false);
});

test('ports and handshakes tell why they fail', async () => {
  const server = createServer((socket) => { socket.on('error', () => undefined); socket.resume(); socket.end('no TLS here\n'); });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as { port: number };
  expect(await host.portOpen(port)).toBe(true);
  expect(await host.handshake({ port, serverName: 'x.test', timeoutMs: 2000 })).toMatchObject({ ok: false, problem: expect.any(String) as string });
  await new Promise((resolve) => server.close(resolve));
  expect(await host.portOpen(port)).toBe(false);
  expect(await host.handshake({ port, serverName: 'x.test' })).toMatchObject({ ok: false, problem: expect.stringContaining('ECONNREFUSED') as string });
});

test('a handshake shows which key serves, and the status of a page', async () => {
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=x.test', '-days', '1',
    '-keyout', at('key.pem'), '-out', at('cert.pem'),
  ], { stdio: 'ignore' });
  const spki = createPublicKey(readFileSync(at('cert.pem'))).export({ type: 'spki', format: 'der' });
  const server = createTlsServer({ key: readFileSync(at('key.pem')), cert: readFileSync(at('cert.pem')) }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('HTTP/1.1 404 Not Found\r\n\r\n'));
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as { port: number };
  const keyFingerprint = createHash('sha256').update(spki).digest('hex');
  expect(await host.handshake({ port, serverName: 'x.test' })).toMatchObject({ ok: true, keyFingerprint, protocol: 'TLSv1.3' });
  expect(await host.handshake({ port, serverName: '127.0.0.1', path: '/' })).toMatchObject({ ok: true, keyFingerprint, httpStatus: 404 });
  await new Promise((resolve) => server.close(resolve));
});

test('the process of a PID file, and none for a PID that another program took', async () => {
  writeFileSync(at('pid'), `${String(process.pid)}\n`);
  const found = await host.serverProcess(at('pid'));
  expect(found?.pid).toBe(process.pid);
  expect(Math.abs((found?.startedAtMs ?? 0) - (Date.now() - process.uptime() * 1000))).toBeLessThan(3000);
  utimesSync(at('pid'), 1, 1);
  expect(await host.serverProcess(at('pid'))).toBeUndefined();
  writeFileSync(at('pid'), 'no number');
  expect(await host.serverProcess(at('pid'))).toBeUndefined();
  expect(await host.serverProcess(at('none'))).toBeUndefined();
});
