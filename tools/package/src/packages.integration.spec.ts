import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../apps/cli/src/commands.ts';
import { VERSION } from '../../../apps/cli/src/version.ts';
import { ROOT } from '../../architecture/src/workspace.ts';
import { makeDebianPackage, makeNpmPackage } from './packages.ts';

const run = promisify(execFile);
const { version: NODE } = JSON.parse(readFileSync(join(ROOT, 'node_modules/node/package.json'), 'utf8')) as { version: string };
const PLAY = '- hosts: all\n  tasks:\n    - command: id -un\n      register: who\n      changed_when: false\n    - assert: {that: who.stdout == ansible_user_id}\n';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-packages-'));
  writeFileSync(join(folder, 'play.yml'), PLAY);
  writeFileSync(join(folder, 'hosts.yml'), 'all: {hosts: {here: {ansible_connection: local}}}\n');
});
afterAll(() => { rmSync(folder, { recursive: true, force: true }); }, 60_000);

/** As on a machine that has never seen the workspace: its own home, and nothing of npm or of the workspace on the path. */
const elsewhere = () => ({ cwd: folder, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: folder, LANG: 'C.UTF-8' } });

async function startsAt(program: string): Promise<void> {
  expect((await run(program, ['version'], elsewhere())).stdout).toBe(`hsmfleet ${VERSION} (node v${NODE})\n`);
  expect((await run(program, ['query', '--list'], elsewhere())).stdout).toContain('expiring-certificates');
}

describe('the npm package', () => {
  it('installs into an empty folder, with its own Node, and runs a play there', { timeout: 240_000 }, async () => {
    const file = makeNpmPackage(folder);
    const target = join(folder, 'somewhere');
    mkdirSync(target);
    await run('npm', ['install', '--prefix', target, '--no-audit', '--no-fund', file], { cwd: target });
    const program = join(target, 'node_modules/.bin/hsmfleet');
    await startsAt(program);
    const { stdout } = await run(program, ['apply', 'play.yml', '-i', 'hosts.yml'], elsewhere());
    expect(stdout).toMatch(/^here\s+: ok=\d+\s+changed=0\s.*failed=0/m);
  });

  it('has no link, no path of the workspace in its names, and the manual of every command', () => {
    const listed = execFileSync('tar', ['tvzf', join(folder, `hsmfleet-${VERSION}.tgz`)], { encoding: 'utf8' }).trim().split('\n');
    expect(listed.filter((line) => !line.startsWith('-'))).toEqual([]);
    const names = new Set(listed.map((line) => line.split(/\s+/).at(-1)));
    expect(COMMANDS.map(({ name }) => `package/man/hsmfleet-${name.replaceAll(' ', '-')}.1`).filter((page) => !names.has(page))).toEqual([]);
  });
});

describe('the Debian package', () => {
  let root: string;
  const dpkg = (...args: string[]) => run('dpkg', [`--root=${root}`, '--force-depends', '--force-not-root', '--force-script-chrootless', ...args]);

  it('is installed by dpkg, and runs without fetching anything', { timeout: 240_000 }, async () => {
    const file = makeDebianPackage(folder);
    root = join(folder, 'debian');
    for (const each of ['var/lib/dpkg/info', 'var/lib/dpkg/updates', 'var/lib/dpkg/triggers']) mkdirSync(join(root, each), { recursive: true });
    writeFileSync(join(root, 'var/lib/dpkg/status'), '');
    await dpkg('-i', file);
    expect((await dpkg('--verify', 'hsmfleet')).stdout).toBe('');
    await startsAt(join(root, 'usr/lib/hsmfleet/apps/cli/bin/hsmfleet'));
  });

  it('has manual pages that groff reads without a warning, and completion for three shells', { timeout: 120_000 }, async () => {
    const pages = readdirSync(join(root, 'usr/share/man/man1'));
    expect(pages).toHaveLength(COMMANDS.length + 1);
    const { stderr } = await run('man', ['--warnings', '-E', 'UTF-8', '-l', ...pages.map((page) => join(root, 'usr/share/man/man1', page))], { env: { ...process.env, MANWIDTH: '100', MANPAGER: 'cat' }, maxBuffer: 1e8 });
    expect(stderr).toBe('');
    const { stdout } = await run('man', ['-l', join(root, 'usr/share/man/man1/hsmfleet-apply.1.gz')], { env: { ...process.env, MANWIDTH: '200', MANPAGER: 'cat' } });
    expect(stdout).toMatch(/--skip-tags <tags>: no tasks with one of these tags/);
    for (const path of ['bash-completion/completions/hsmfleet', 'zsh/vendor-completions/_hsmfleet', 'fish/vendor_completions.d/hsmfleet.fish']) {
      expect(readFileSync(join(root, 'usr/share', path), 'utf8')).toContain('hsmfleet complete --');
    }
  });

  it('belongs to root alone, and carries no cache of who built it', () => {
    const listed = execFileSync('dpkg-deb', ['-c', join(folder, `hsmfleet_${VERSION}_amd64.deb`)], { encoding: 'utf8' }).trim().split('\n');
    expect(listed.filter((line) => !line.includes(' root/root '))).toEqual([]);
    expect(listed.filter((line) => /^[^l].{4}w|^[^l].{7}w/.test(line) || line.includes('/.cache/'))).toEqual([]);
    expect(listed.filter((line) => line.startsWith('l')).map((line) => line.slice(line.indexOf('./')))).toEqual(['./usr/bin/hsmfleet -> /usr/lib/hsmfleet/apps/cli/bin/hsmfleet']);
    expect(statSync(join(root, 'usr/lib/hsmfleet/apps/cli/bin/hsmfleet')).mode & 0o777).toBe(0o755);
  });

  it('leaves nothing behind when it is purged', async () => {
    // Node keeps compiled code beside the program when whoever runs it may write there
    rmSync(join(root, 'usr/lib/hsmfleet/.cache'), { recursive: true, force: true });
    await dpkg('--purge', 'hsmfleet');
    expect(existsSync(join(root, 'usr/lib/hsmfleet'))).toBe(false);
    expect(existsSync(join(root, 'usr/bin/hsmfleet'))).toBe(false);
  });
});
