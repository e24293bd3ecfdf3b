// Builds pkcs11js's native add-on so that one file loads on Debian 11 and everything newer, with Node 20 and 24:
//   node build-addon.mjs   ->  dist/pkcs11-linux-<arch>.node
// What npm builds at installation asks for GLIBC_2.34 on a machine of today, because dlopen and its friends moved into
// libc.so.6 there. The old versions of these symbols still exist, so a header that the compiler reads first names
// them. Only Node-API is used: its headers come from npm, and the result does not depend on Node's version.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const source = dirname(require.resolve('pkcs11js/package.json'));
const headers = join(dirname(require.resolve('node-api-headers/package.json')), 'include');
const dist = join(here, 'dist');
const addon = join(dist, `pkcs11-linux-${process.arch}.node`);
const stamp = join(dist, 'addon.stamp');

/** The first symbol version that glibc has on an architecture. */
const OLDEST = { x64: 'GLIBC_2.2.5', arm64: 'GLIBC_2.17' }[process.arch];
if (OLDEST === undefined) throw new Error(`no add-on is built for ${process.arch}: only for x64 and arm64`);
const symver = ['dlopen', 'dlsym', 'dlclose', 'dlerror'].map((name) => `__asm__(".symver ${name}, ${name}@${OLDEST}");\n`).join('');

const sources = ['src/dl.cpp', 'src/common.cpp', 'src/main.cpp'];
const flags = [
  '-std=c++17', '-O2', '-fPIC', '-shared', '-s', '-fvisibility=hidden', '-fno-rtti', '-fno-exceptions',
  '-DNODE_GYP_MODULE_NAME=pkcs11', '-DNAPI_DISABLE_CPP_EXCEPTIONS', '-DBUILDING_NODE_EXTENSION',
];

// every input goes into the stamp: what is up to date is not built again
const hash = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)));
for (const folder of ['src', 'includes/pkcs11']) {
  for (const name of readdirSync(join(source, folder)).sort()) hash.update(name).update(readFileSync(join(source, folder, name)));
}
const wanted = hash.digest('hex');
if (existsSync(addon) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) process.exit(0);

mkdirSync(dist, { recursive: true });
const header = join(dist, 'symver.h');
const unfinished = `${addon}.${process.pid}`;
writeFileSync(header, symver);
try {
  execFileSync(
    process.env['CXX'] ?? 'g++',
    [...flags, '-include', header, `-I${headers}`, `-I${join(source, 'includes')}`, ...sources.map((name) => join(source, name)), '-o', unfinished],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  renameSync(unfinished, addon);
  writeFileSync(stamp, wanted);
} catch (error) {
  rmSync(unfinished, { force: true });
  throw error;
}
process.stderr.write(`built ${addon}\n`);
