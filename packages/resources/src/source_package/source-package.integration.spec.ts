import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Artifact } from '@hsmfleet/contract';
import { createLinuxHost } from '@hsmfleet/linux-host';
import type { AnyResource, ExecuteContext, Inputs, StepResult, WriteHost } from '@hsmfleet/resource';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sourcePackageIn, type Places } from './index.ts';

/** Real builds of a small autotools library: what comes out, that it is the same everywhere, and what is left when it fails. */

const NAME = 'hsmfleet-spec-hello';
const able = process.getuid?.() === 0 && ['dpkg-deb', 'dpkg-shlibdeps', 'autoreconf', 'make'].every((tool) => existsSync(`/usr/bin/${tool}`));
if (!able) process.stderr.write('skipped: building packages needs root, dpkg-dev, make, autoconf and automake\n');
const rpmbuild = able && existsSync('/usr/bin/rpmbuild');
if (!rpmbuild) process.stderr.write('skipped: building an rpm needs rpmbuild (Debian: the package rpm)\n');
const pacman = able && ['/usr/bin/bsdtar', '/usr/bin/pacman'].every((path) => existsSync(path));
if (!pacman) process.stderr.write('skipped: building a package for pacman needs bsdtar and pacman (Debian: libarchive-tools, pacman-package-manager)\n');

/** As a project has them in its repository: configure is to be made. Without libtool, whose configure takes half a minute. */
const SOURCES: Readonly<Record<string, string>> = {
  'configure.ac': [
    'AC_INIT([hello],[1.2])', 'AC_CONFIG_AUX_DIR([aux])', 'AM_INIT_AUTOMAKE([foreign])', 'AC_PROG_CC',
    'AC_ARG_ENABLE([loud],[AS_HELP_STRING([--enable-loud],[be loud])])',
    'AC_CONFIG_FILES([Makefile])', 'AC_OUTPUT', '',
  ].join('\n'),
  'Makefile.am': [
    'hellolibdir = $(libdir)', 'hellolib_DATA = libhello.so.2',
    'libhello.so.2: hello.c', '\t$(CC) $(CFLAGS) $(LDFLAGS) -shared -fPIC -Wl,-soname,$@ -o $@ hello.c',
    'bin_PROGRAMS = hello', 'hello_SOURCES = main.c', 'hello_LDADD = libhello.so.2',
    'sysconf_DATA = hello.conf', 'EXTRA_DIST = hello.c hello.conf', '',
  ].join('\n'),
  'hello.c': '#include <stdio.h>\nconst char *where(void) { return __FILE__; }\nint hello(void) { return printf("hello from %s\\n", where()); }\n',
  'main.c': 'int hello(void);\nint main(void) { return hello() < 0; }\n',
  'hello.conf': 'greeting = hello\n',
};

/** As they are in an archive whose configure asks little: it is there, and quick. */
const QUICK: Readonly<Record<string, string>> = {
  configure: [
    '#!/bin/sh', 'echo checking for everything', 'for word; do', '  case $word in',
    '    --prefix=*) prefix=${word#*=} ;; --libdir=*) libdir=${word#*=} ;; --enable-loud=impossible) echo "configure: error: libloud 9 is needed" >&2; exit 1 ;;',
    '  esac', 'done', 'sed "s|@prefix@|$prefix|; s|@libdir@|$libdir|; s|@CFLAGS@|$CFLAGS|" Makefile.in > Makefile', '',
  ].join('\n'),
  'Makefile.in': [
    'libhello.so.2: hello.c', '\tcc @CFLAGS@ -shared -fPIC -Wl,-soname,$@ -o $@ hello.c',
    'install: libhello.so.2', '\tinstall -D -m 644 -t $(DESTDIR)@libdir@ libhello.so.2', '\tinstall -D -m 644 -t $(DESTDIR)/etc hello.conf',
    '\tinstall -d -m 2770 $(DESTDIR)/var/lib/hello', '',
  ].join('\n'),
  'hello.c': SOURCES['hello.c'] ?? '',
  'hello.conf': SOURCES['hello.conf'] ?? '',
};

const dir = able ? mkdtempSync('/var/tmp/hsmfleet-spec-') : '';
const at = (name: string): string => join(dir, name);
const announced: { artifact: Artifact; path: string }[] = [];
const told: string[] = [];
const context = {
  pins: { ask: () => Promise.resolve({ go: false, reason: 'a test' }) }, learn: () => undefined, measured: () => undefined,
  progress: (message: string) => { told.push(message); },
} as ExecuteContext;
let host: WriteHost;
let server: Server;

/** An archive with the sources, some of them changed; the same bytes every time. */
function archive(sources: Readonly<Record<string, string>>, changes: Record<string, string | undefined> = {}): Packed {
  const folder = mkdtempSync(at('tree-'));
  const top = 'hello-1.2';
  mkdirSync(join(folder, top));
  for (const [name, text] of Object.entries({ ...sources, ...changes })) if (text !== undefined) writeFileSync(join(folder, top, name), text, { mode: 0o755 });
  return pack(['--mtime=2024-05-06 07:08:09Z', '-C', folder, top]);
}

interface Packed {
  sha256: string;
  inputs: Inputs;
}

function pack(words: string[]): Packed {
  const path = at('packed.tar.gz');
  execFileSync('tar', ['-czf', path, '--sort=name', '--owner=0', '--group=0', ...words], { env: { ...process.env, GZIP: '-n' }, stdio: ['ignore', 'pipe', 'ignore'] });
  const bytes = readFileSync(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(at(`blobs/${sha256}`), bytes);
  return { sha256, inputs: { source: { name: 'hello-1.2.tar.gz', sha256, size: bytes.length, secret: false, read: () => Promise.resolve(bytes) } } };
}

/** The build's user must be able to come there. */
function placesIn(place: string): Places {
  mkdirSync(at(place), { recursive: true, mode: 0o755 });
  return { packages: at(`${place}/packages`), work: at(`${place}/work`) };
}

/** Applies, and proves that nothing is left to do. @returns what `register` sees */
async function build(resource: AnyResource, params: Record<string, unknown>, inputs: Inputs = {}): Promise<Record<string, unknown>> {
  const { steps } = resource.plan(params, await resource.inspect(host, params, inputs), inputs);
  expect(steps.map((step) => step.kind)).toEqual(['build_package']);
  const results: StepResult[] = [];
  for (const step of steps) {
    await host.diff(step);
    results.push(await host.execute(step, context));
  }
  const facts = await resource.inspect(host, params, inputs);
  const after = resource.plan(params, facts, inputs);
  expect(after.steps).toEqual([]);
  expect(after.result).toMatchObject({ built: false });
  return resource.result?.(params, facts, results) ?? {};
}

/** A build that must fail. @returns the error, after a proof that only the log was left */
async function failing(place: string, params: Record<string, unknown>, inputs: Inputs): Promise<{ code: string; message: string; details?: Record<string, unknown> }> {
  const places = placesIn(place);
  const resource = sourcePackageIn(places);
  const { steps } = resource.plan(params, await resource.inspect(host, params, inputs), inputs);
  let failure: unknown;
  for (const step of steps) await host.execute(step, context).catch((thrown: unknown) => { failure = thrown; });
  expect(failure, 'the build went well').toBeDefined();
  expect(readdirSync(places.work)).toEqual([]);
  const [folder = ''] = readdirSync(places.packages);
  expect(readdirSync(join(places.packages, folder))).toEqual(['build.log']);
  return failure as { code: string; message: string };
}

const usual = { name: NAME, version: '1.2', source: 'files/hello-1.2.tar.gz' };
const dpkgDeb = (...argv: string[]): string => execFileSync('dpkg-deb', argv, { encoding: 'utf8' });

describe.skipIf(!able)('source_package', () => {
  beforeAll(async () => {
    mkdirSync(at('blobs'));
    // the build's user must be able to enter what lies below
    execFileSync('chmod', ['755', dir]);
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
      announceArtifact: (artifact, path) => { announced.push({ artifact, path }); },
    });
    server = createServer((request, response) => {
      const path = at(`blobs/${(request.url ?? '').slice(1)}`);
      if (!existsSync(path)) response.writeHead(404).end();
      else response.end(readFileSync(path));
    });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(dir, { recursive: true, force: true });
  });

  test('a .deb that dpkg installs, finds and removes; the same bytes from another place and by another way', async () => {
    const { sha256, inputs } = archive(SOURCES);
    const params = { ...usual, sha256, configure: ['--enable-loud'], depends: ['ca-certificates'] };
    const result = await build(sourcePackageIn(placesIn('a')), params, inputs);
    const version = '1.2-1';
    expect(result).toMatchObject({ built: true, name: NAME, version, architecture: dpkg(['--print-architecture']), format: 'deb', file: `${NAME}_${version}_${dpkg(['--print-architecture'])}.deb` });
    expect(result.build_depends).toContain('automake');
    expect(result.log_tail).toContain('hello.conf');
    expect(announced.at(-1)).toMatchObject({ path: result.path, artifact: { sha256: result.sha256, name: NAME, inputsSha256: result.inputs_sha256 } });
    expect(told).toContain(`${NAME} 1.2-1: make`);
    expect(readdirSync(at('a/work'))).toEqual([]);

    const path = String(result.path);
    const depends = dpkgDeb('-f', path, 'Depends');
    expect(depends).toMatch(/^ca-certificates, libc6 \(>= [\d.]+\)\n$/);
    expect(result.depends).toEqual(depends.trim().split(', '));
    const control = at('control');
    execFileSync('dpkg-deb', ['--control', path, control]);
    expect(readFileSync(join(control, 'conffiles'), 'utf8')).toBe('/etc/hello.conf\n');
    expect(readFileSync(join(control, 'triggers'), 'utf8')).toBe('activate-noawait ldconfig\n');
    expect(readFileSync(join(control, 'shlibs'), 'utf8')).toBe(`libhello 2 ${NAME} (>= 1.2-1)\n`);
    expect(readFileSync(join(control, 'md5sums'), 'utf8')).toMatch(/^[0-9a-f]{32} {2}usr\/bin\/hello$/m);
    const contents = dpkgDeb('--contents', path);
    expect(contents).not.toMatch(/\.la$|nobody|DEBIAN/m);
    expect(new Set(contents.trim().split('\n').map((line) => line.split(/\s+/).slice(3, 5).join(' ')))).toEqual(new Set(['2024-05-06 07:08']));

    execFileSync('dpkg', ['-i', path], { stdio: 'ignore' });
    try {
      expect(execFileSync('hello', { encoding: 'utf8' })).toBe(`hello from hello.c\n`);
      expect(dpkg(['--verify', NAME])).toBe('');
    } finally {
      execFileSync('dpkg', ['--purge', NAME], { stdio: 'ignore' });
    }
    expect(existsSync('/usr/bin/hello') || existsSync('/etc/hello.conf')).toBe(false);

    // elsewhere, and fetched
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/${sha256}`;
    const again = await build(sourcePackageIn(placesIn('elsewhere/of/another/length')), { ...params, source: undefined, url });
    expect(again.sha256).toBe(result.sha256);
    expect(again.inputs_sha256).toBe(result.inputs_sha256);
  }, 600_000);

  test('from a folder, which stays as it is; a damaged package is built again', async () => {
    const folder = at('folder');
    mkdirSync(join(folder, '.git'), { recursive: true });
    for (const [name, text] of Object.entries(QUICK)) writeFileSync(join(folder, name), text, { mode: 0o755 });
    symlinkSync('hello.c', join(folder, 'link.c'));
    const resource = sourcePackageIn(placesIn('f'));
    const params = { name: NAME, version: '1.2', directory: folder, prefix: '/opt/hello' };
    const before = readdirSync(folder);
    const result = await build(resource, params);
    expect(readdirSync(folder)).toEqual(before);
    const contents = dpkgDeb('--contents', String(result.path));
    expect(contents).toContain('./opt/hello/lib/libhello.so.2');
    expect(contents).toMatch(/^drwxrws--- root\/root .* \.\/var\/lib\/hello\/$/m);
    writeFileSync(String(result.path), 'damaged');
    expect((await build(resource, params)).sha256).toBe(result.sha256);
    writeFileSync(join(folder, 'hello.c'), 'int hello(void) { return 1; }\n');
    const changed = resource.plan(params, await resource.inspect(host, params, {}), {});
    expect(changed.steps).toMatchObject([{ kind: 'build_package' }]);
  }, 180_000);

  test.skipIf(!rpmbuild)('an .rpm, twice the same', async () => {
    const { sha256, inputs } = archive(QUICK);
    const params = { ...usual, sha256, format: 'rpm' };
    const [one, two] = [await build(sourcePackageIn(placesIn('r1')), params, inputs), await build(sourcePackageIn(placesIn('another/r2')), params, inputs)];
    expect(one.sha256).toBe(two.sha256);
    const rpm = (...argv: string[]): string => execFileSync('rpm', ['-qp', ...argv, String(one.path)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    expect(rpm('--list').trim().split('\n')).toEqual(expect.arrayContaining([expect.stringMatching(/^\/usr\/lib.*\/libhello\.so\.2$/), '/etc/hello.conf', '/var/lib/hello']));
    expect(rpm('--configfiles')).toBe('/etc/hello.conf\n');
    expect(rpm('--requires')).toMatch(/^libc\.so\.6/m);
    expect(rpm('--provides')).toMatch(/^libhello\.so\.2/m);
    expect(rpm('--scripts')).toContain('ldconfig');
    expect(rpm('--qf', '[%{FILEUSERNAME}]%{BUILDHOST}')).not.toContain('nobody');
  }, 180_000);

  test.skipIf(!pacman)("a package of pacman's, twice the same", async () => {
    const { sha256, inputs } = archive(QUICK);
    const params = { ...usual, sha256, format: 'arch', depends: ['pcsclite'] };
    const [one, two] = [await build(sourcePackageIn(placesIn('p1')), params, inputs), await build(sourcePackageIn(placesIn('another/p2')), params, inputs)];
    expect(one.sha256).toBe(two.sha256);
    const pacmanSays = (...argv: string[]): string => execFileSync('pacman', ['-Qp', ...argv, String(one.path)], { encoding: 'utf8' });
    expect(pacmanSays()).toBe(`${NAME} 1.2-1\n`);
    expect(pacmanSays('--list')).toContain(`${NAME} /etc/hello.conf\n`);
    expect(pacmanSays('--info')).toMatch(/^Depends On +: pcsclite$/m);
  }, 60_000);

  describe('failures leave the log, and nothing else', () => {
    test('another archive', async () => {
      const { sha256, inputs } = archive(QUICK);
      const resource = sourcePackageIn(placesIn('h'));
      const params = { ...usual, sha256: '0'.repeat(64) };
      await expect(resource.inspect(host, params, inputs)).rejects.toMatchObject({ code: 'PARAMS_INVALID', message: `hello-1.2.tar.gz has the SHA-256 ${sha256}, not ${'0'.repeat(64)}` });
      expect(existsSync(at('h/packages'))).toBe(false);
      const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/${sha256}`;
      const fetched = await failing('u', { name: NAME, version: '1.2', url, sha256: '1'.repeat(64) }, {});
      expect(fetched).toMatchObject({ code: 'TASK_FAILED', message: `what ${url} gave has the SHA-256 ${sha256}, not ${'1'.repeat(64)}` });
      expect((await failing('v', { name: NAME, version: '1.2', url: `${url}x`, sha256 }, {})).message).toContain('the server answered 404');
    });

    test('configure fails', async () => {
      const { sha256, inputs } = archive(QUICK);
      const failure = await failing('c', { ...usual, sha256, configure: ['--enable-loud=impossible'] }, inputs);
      expect(failure).toMatchObject({ code: 'COMMAND_FAILED', message: `configure of ${NAME} 1.2-1 failed with exit code 1: configure: error: libloud 9 is needed` });
      expect(failure.details?.log_tail).toContain('checking for everything');
    }, 90_000);

    test('make fails', async () => {
      const { sha256, inputs } = archive(QUICK, { 'hello.c': 'int hello(void) { return nothing; }\n' });
      const failure = await failing('m', { ...usual, sha256 }, inputs);
      expect(failure.code).toBe('COMMAND_FAILED');
      expect(failure.message).toMatch(/^make of \S+ 1\.2-1 failed with exit code 2: hello\.c:1:\d+: error: .*nothing.* undeclared/);
    }, 90_000);

    test('an archive that leads out of its folder, one that is none, one without autotools', async () => {
      writeFileSync(at('evil'), 'evil\n');
      mkdirSync(at('deep/er'), { recursive: true });
      const evil = pack(['-P', '-C', at('deep/er'), '../../evil']);
      expect((await failing('p', { ...usual, sha256: evil.sha256 }, evil.inputs)).message).toContain('its member ../../evil leads out of it');
      const absolute = pack(['-P', at('evil')]);
      expect((await failing('q', { ...usual, sha256: absolute.sha256 }, absolute.inputs)).message).toContain('leads out of it');
      const none = archive(QUICK, { configure: undefined });
      expect((await failing('n', { ...usual, sha256: none.sha256 }, none.inputs)).message).toContain('neither configure.ac nor configure');
    });

    test('a tool that is not there, a user that is not there, a conffile that is not there', async () => {
      const { sha256, inputs } = archive(QUICK, { 'autogen.sh': '#!/bin/sh\nexec hsmfleet-no-such-tool\n' });
      expect((await failing('t', { ...usual, sha256, regenerate: 'autogen' }, inputs)).message).toContain('hsmfleet-no-such-tool: not found');
      const good = archive(QUICK);
      const resource = sourcePackageIn(placesIn('w'));
      const params = { ...usual, sha256: good.sha256, build_user: 'nobody-at-all' };
      const { steps } = resource.plan(params, await resource.inspect(host, params, good.inputs), good.inputs);
      await expect(Promise.all(steps.map((step) => host.execute(step, context)))).rejects.toMatchObject({ code: 'TASK_FAILED', message: 'there is no user nobody-at-all on the host' });
      expect(readdirSync(at('w'))).toEqual([]);
      expect((await failing('x', { ...usual, sha256: good.sha256, conffiles: ['/usr/share/none.conf'] }, good.inputs)).message).toContain('has no file /usr/share/none.conf');
    });
  });
});

function dpkg(argv: string[]): string {
  return execFileSync('dpkg', argv, { encoding: 'utf8' }).trim();
}
