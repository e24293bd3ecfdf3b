import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeSoftToken, whyNoTokens, type SoftToken } from '@hsmfleet/pkcs11/testkit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { tokenCa } from './commands/token-ca.ts';
import { tokenCertificates } from './commands/token-certificates.ts';
import { TOKEN_COMMANDS } from './commands/token.ts';
import { printErrors } from './print-errors.ts';
import { runProgram } from './program.ts';

const missing = whyNoTokens();
if (missing !== undefined) process.stderr.write(`certificates from the command line are not tested: ${missing}\n`);

const COMMANDS = [...TOKEN_COMMANDS, ...tokenCertificates, ...tokenCa];

describe.skipIf(missing !== undefined)('certificates from the command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cli-certificates-'));
  const at = (name: string): string => join(folder, name);
  let token: SoftToken;

  /** What a person sees of a command. */
  async function run(...argv: string[]): Promise<{ out: string; errors: string; code: number }> {
    const seen = { out: '', errors: '' };
    const spies = [
      vi.spyOn(process.stdout, 'write').mockImplementation((text) => { seen.out += String(text); return true; }),
      vi.spyOn(process.stderr, 'write').mockImplementation((text) => { seen.errors += String(text); return true; }),
    ];
    try {
      const code = await runProgram(COMMANDS, argv).catch((thrown: unknown) => printErrors(thrown, { debug: false }));
      return { ...seen, code };
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
  }
  const onToken = (name: string, ...argv: string[]): ReturnType<typeof run> => {
    const env = Object.entries(token.target.env ?? {}).flatMap(([key, value]) => ['--module-env', `${key}=${value}`]);
    return run('token', ...name.split(' '), ...argv, '--module', token.target.path, ...env, '--token', token.label, '--pin-file', at('pin'));
  };
  const objects = async (): Promise<string> => (await onToken('objects')).out;
  const openssl = (...args: string[]): string => execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  beforeAll(async () => {
    process.env.XDG_STATE_HOME = at('state');
    token = makeSoftToken('Command line');
    writeFileSync(at('pin'), `${token.pin}\n`, { mode: 0o600 });
    for (const [id, type] of [['01', 'rsa:1024'], ['02', 'EC:prime256v1']] as const) {
      expect(await onToken('keygen', '--type', type, '--id', id, '--label', `web${id}`)).toMatchObject({ code: 0 });
    }
    expect(await run('token', 'ca', 'init', at('lab'))).toMatchObject({ code: 0, errors: expect.stringContaining('for laboratories') as string });
  }, 60_000);
  afterAll(() => {
    token.remove();
    rmSync(folder, { recursive: true });
  });

  test('the key of the authority is for its owner alone, and is never overwritten', async () => {
    expect(statSync(at('lab/ca.key')).mode & 0o777).toBe(0o600);
    const key = readFileSync(at('lab/ca.key'));
    expect(await run('token', 'ca', 'init', at('lab'))).toMatchObject({ code: 1, errors: expect.stringContaining('ca.pem exists already') as string });
    expect(readFileSync(at('lab/ca.key'))).toEqual(key);
  });

  test('from a request to the certificate on the token, and on to the next', async () => {
    expect(await onToken('csr', '--id', '02', '--subject', '/O=A\\/B/CN=www.example.org', '--san', 'www.example.org', '--san', '*.bücher.example', '--out', at('www.csr'))).toMatchObject({ code: 0, out: expect.stringContaining('DNS:www.example.org, DNS:*.xn--bcher-kva.example') as string });
    const signed = await run('token', 'ca', 'sign', at('www.csr'), '--ca', at('lab'), '--days', '90', '--out', at('www.pem'));
    expect(signed).toMatchObject({ code: 0, errors: '' });
    expect(openssl('verify', '-purpose', 'sslserver', '-CAfile', 'lab/ca.pem', 'www.pem')).toContain('OK');
    expect(readdirSync(at('lab/issued'))).toHaveLength(1);
    expect(await onToken('load-cert', at('www.pem'), '--id', '02')).toMatchObject({ code: 0, out: expect.stringMatching(/^written .*"web02".*\nleft out .*Laboratory CA/) as string });

    expect(await onToken('renew', '--id', '02', '--out', at('next.csr'))).toMatchObject({ code: 0, out: expect.stringContaining('load-cert FILE --id 02 --replace') as string });
    await run('token', 'ca', 'sign', at('next.csr'), '--ca', at('lab'), '--out', at('next.pem'));
    expect(await onToken('load-cert', at('next.pem'), '--id', '02')).toMatchObject({ code: 2, errors: expect.stringContaining('--replace') as string });
    expect(await onToken('load-cert', at('next.pem'), '--id', '02', '--replace')).toMatchObject({ code: 0, out: expect.stringContaining('replaced') as string });
    expect((await objects()).match(/^certificate .*02/gm)).toHaveLength(1);

    const renewed = await onToken('renew', '--id', '02', '--new-key', '--new-id', '12', '--out', at('new.csr'));
    expect(renewed).toMatchObject({ code: 0, out: expect.stringContaining('with "web02-12" as the certificate of the site') as string });
    await run('token', 'ca', 'sign', at('new.csr'), '--ca', at('lab'), '--out', at('new.pem'));
    expect(await onToken('load-cert', at('new.pem'), '--id', '12')).toMatchObject({ code: 0 });
    expect((await objects()).match(/^certificate /gm)).toHaveLength(2);
  }, 60_000);

  test('self-signed, loaded at once, as JSON', async () => {
    const made = await onToken('cert', '--self-signed', '--id', '01', '--subject', '/CN=old.example.org', '--san', 'old.example.org', '--days', '5', '--load', '--json');
    expect(made.code).toBe(0);
    const answer = JSON.parse(made.out) as { der: string; warnings: string[]; loaded: { leaf: { outcome: string } } };
    expect(answer.loaded.leaf.outcome).toBe('written');
    expect(answer.warnings[0]).toContain('1024 bits');
    writeFileSync(at('old.der'), Buffer.from(answer.der, 'base64'));
    expect(openssl('x509', '-inform', 'DER', '-in', 'old.der', '-noout', '-checkhost', 'old.example.org')).toContain('does match');
  });

  test('DER goes out and comes in', async () => {
    expect(await onToken('csr', '--id', '01', '--subject', 'CN=der.example,O=A/B', '--san', 'DNS:der.example', '--pss', '--der', '--out', at('der.csr'))).toMatchObject({ code: 0 });
    expect(await run('token', 'ca', 'sign', at('der.csr'), '--ca', at('lab'), '--der', '--out', at('der.crt'))).toMatchObject({ code: 0 });
    expect(await onToken('load-cert', at('der.crt'), '--id', '01', '--replace')).toMatchObject({ code: 0 });
  });

  test.each([
    ['a subject with a slash', ['csr', '--id', '01', '--subject', '/O=A/B/CN=x'], 'at column 5: what follows "/" has no "="', 'write \\/'],
    ['an impossible name', ['csr', '--id', '01', '--subject', '/CN=x', '--san', '*.*.example'], 'a * may only be the whole first label', 'DNS:'],
    ['no subject', ['csr', '--id', '01'], 'whom is the certificate for?', '--subject'],
    ['no ID', ['csr', '--subject', '/CN=x'], 'which key of the token?', '--id'],
    ['malformed DER', ['load-cert', 'bad.der', '--id', '01', '--replace'], 'bad.der is malformed', 'PEM or DER'],
    ['a missing file', ['load-cert', 'nowhere.pem', '--id', '01'], 'cannot read', 'name'],
    ['a file that exists', ['csr', '--id', '01', '--subject', '/CN=x', '--out', 'pin'], 'exists already', '--force'],
    ['days that are none', ['cert', '--self-signed', '--id', '01', '--subject', '/CN=x', '--days', '1.5'], '--days wants', ''],
  ])('%s is one clear message, and nothing is done', async (_name, argv, message, hint) => {
    writeFileSync(at('bad.der'), Buffer.from('3082010002', 'hex'));
    const [name = '', ...rest] = argv.map((word) => (/^(bad\.der|nowhere\.pem|pin)$/.test(word) ? at(word) : word));
    const { out, errors, code } = await onToken(name, ...rest);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(errors.match(/^error: /gm)).toHaveLength(1);
    expect(errors).toContain(message);
    expect(errors).toContain(hint);
    // nobody was asked for a PIN for what cannot be done anyway, so nothing can have been written
    expect(errors).not.toContain('PIN of');
  });

  test('a certificate for another key is refused', async () => {
    await onToken('cert', '--self-signed', '--id', '02', '--subject', '/CN=other', '--out', at('other.pem'));
    const before = await objects();
    const { errors, code } = await onToken('load-cert', at('other.pem'), '--id', '01', '--replace');
    expect(code).toBe(1);
    expect(errors).toContain('is not for the key with ID 01');
    expect(errors).toContain('it is for the key with ID 02');
    expect(await objects()).toBe(before);
  });

  test('an authority whose key others can read signs nothing', async () => {
    chmodSync(at('lab/ca.key'), 0o644);
    const { errors, code } = await run('token', 'ca', 'sign', at('www.csr'), '--ca', at('lab'));
    chmodSync(at('lab/ca.key'), 0o600);
    expect(code).toBe(1);
    expect(errors).toContain('chmod 600');
  });

  test('an authority whose key lies on the token', async () => {
    expect(await onToken('ca init', at('token-lab'), '--id', '02', '--subject', '/CN=Token lab')).toMatchObject({ code: 0 });
    expect(existsSync(at('token-lab/ca.key'))).toBe(false);
    await onToken('csr', '--id', '01', '--subject', '/CN=leaf.example', '--san', 'leaf.example', '--out', at('leaf.csr'));
    expect(await onToken('ca sign', at('leaf.csr'), '--ca', at('token-lab'), '--id', '02', '--out', at('leaf.pem'))).toMatchObject({ code: 0 });
    expect(openssl('verify', '-x509_strict', '-CAfile', 'token-lab/ca.pem', 'leaf.pem')).toContain('OK');
    expect(await onToken('ca sign', at('leaf.csr'), '--ca', at('token-lab'), '--id', '01', '--out', at('leaf2.pem'))).toMatchObject({ code: 1, errors: expect.stringContaining('is for another key') as string });
  });

  test('a wrong PIN leaves no file behind, and costs one try', async () => {
    writeFileSync(at('wrong'), '000000\n', { mode: 0o600 });
    const env = Object.entries(token.target.env ?? {}).flatMap(([key, value]) => ['--module-env', `${key}=${value}`]);
    const argv = ['token', 'csr', '--id', '01', '--subject', '/CN=x', '--out', at('never.csr'), '--module', token.target.path, ...env, '--pin-file', at('wrong')];
    const { errors } = await run(...argv);
    expect(errors).toContain('PIN');
    expect(existsSync(at('never.csr'))).toBe(false);
    expect((await run(...argv)).errors).toContain('not tried');
  });
});
