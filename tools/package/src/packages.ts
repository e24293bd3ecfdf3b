import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync, type Dirent } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ROOT } from '../../architecture/src/workspace.ts';
import { copyLibraries, PACKAGE, stagePackage } from './stage.ts';

/**
 * Makes the npm package.
 * @returns the .tgz file
 */
export function makeNpmPackage(out: string): string {
  return inScratch((scratch) => {
    stagePackage(scratch);
    mkdirSync(out, { recursive: true });
    const [made] = JSON.parse(execFileSync('npm', ['pack', '--json', '--pack-destination', out], { cwd: scratch, encoding: 'utf8' })) as [{ filename: string }];
    return join(out, made.filename);
  });
}

/** Where the program's files lie on a Debian machine. */
const HOME = 'usr/lib/hsmfleet';

/**
 * Makes the Debian package. It has its own Node and libraries inside: installing it fetches nothing, and an upgrade of the
 * system's Node does not touch it.
 * @returns the .deb file
 */
export function makeDebianPackage(out: string): string {
  return inScratch((scratch) => {
    const root = join(scratch, 'root');
    const home = join(root, HOME);
    stagePackage(home);
    copyLibraries(home);
    moveDocumentation(root, home);
    mkdirSync(join(root, 'usr/bin'), { recursive: true });
    symlinkSync(`/${HOME}/apps/cli/bin/hsmfleet`, join(root, 'usr/bin/hsmfleet'));
    writeCompletions(root);
    const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
    write(join(root, 'DEBIAN/control'), control(architecture, sizeOf(root)));
    chmodSync(root, 0o755);
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) normalizeMode(entry);
    mkdirSync(out, { recursive: true });
    const file = join(out, `${PACKAGE.name}_${PACKAGE.version}_${architecture}.deb`);
    execFileSync('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z6', '--build', root, file], { stdio: ['ignore', 'ignore', 'inherit'] });
    return file;
  });
}

function inScratch<T>(make: (scratch: string) => T): T {
  const scratch = mkdtempSync(join(tmpdir(), 'hsmfleet-package-'));
  try {
    return make(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Manual pages, guide and units go where Debian looks for them. */
function moveDocumentation(root: string, home: string): void {
  for (const page of readdirSync(join(home, 'man'))) {
    write(join(root, 'usr/share/man/man1', `${page}.gz`), gzipSync(readFileSync(join(home, 'man', page)), { level: 9 }));
  }
  rmSync(join(home, 'man'), { recursive: true });
  const doc = join(root, 'usr/share/doc/hsmfleet');
  cpSync(join(ROOT, 'docs/guide'), join(doc, 'guide'), { recursive: true });
  cpSync(join(ROOT, 'docs/reference'), join(doc, 'reference'), { recursive: true });
  renameSync(join(home, 'README.md'), join(doc, 'README.md'));
  const units = join(home, 'packaging/systemd');
  for (const unit of readdirSync(units)) {
    // installed by hand the program lies in /usr/local/bin, here it does not
    write(join(root, 'usr/lib/systemd/system', unit), readFileSync(join(units, unit), 'utf8').replaceAll('/usr/local/bin/hsmfleet', '/usr/bin/hsmfleet'));
  }
  rmSync(join(home, 'packaging'), { recursive: true });
}

const COMPLETIONS = {
  bash: 'usr/share/bash-completion/completions/hsmfleet',
  zsh: 'usr/share/zsh/vendor-completions/_hsmfleet',
  fish: 'usr/share/fish/vendor_completions.d/hsmfleet.fish',
};

function writeCompletions(root: string): void {
  for (const [shell, path] of Object.entries(COMPLETIONS)) {
    write(join(root, path), execFileSync(join(root, HOME, 'apps/cli/bin/hsmfleet'), ['completion', shell], { env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' } }));
  }
}

/** https://www.debian.org/doc/debian-policy/ch-controlfields.html */
function control(architecture: string, kibibytes: number): string {
  return `Package: ${PACKAGE.name}
Version: ${PACKAGE.version}
Architecture: ${architecture}
Maintainer: hsmfleet <root@localhost>
Installed-Size: ${String(kibibytes)}
Depends: libc6 (>= 2.28), libstdc++6
Recommends: openssh-client
Suggests: opensc, siege
Section: admin
Priority: optional
Description: TLS with keys in hardware tokens, on many webservers
 ${PACKAGE.description}
 .
 For the control host, and for the station where tokens are prepared.
 Webservers need nothing installed: what they run is brought over SSH.
`;
}

function sizeOf(folder: string): number {
  return Math.ceil(readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile())
    .reduce((sum, each) => sum + statSync(join(each.parentPath, each.name)).size, 0) / 1024);
}

function write(path: string, contents: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
}

/** Whatever the umask of who built the workspace was. */
function normalizeMode(entry: Dirent): void {
  if (entry.isSymbolicLink()) return;
  const path = join(entry.parentPath, entry.name);
  chmodSync(path, entry.isDirectory() || (statSync(path).mode & 0o100) !== 0 ? 0o755 : 0o644);
}
