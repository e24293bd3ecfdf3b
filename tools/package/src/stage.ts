import { copyFileSync, cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { COMMANDS } from '../../../apps/cli/src/commands.ts';
import { VERSION } from '../../../apps/cli/src/version.ts';
import { ROOT } from '../../architecture/src/workspace.ts';
import { manPages } from './man-pages.ts';

/** What of the workspace a package holds, in the same places, so that the program finds everything as it does there. */
const PARTS = ['apps/cli/bin', 'apps/cli/dist', 'apps/cli/plays', 'apps/agent/dist', 'playbooks', 'packaging/systemd'];

/** Libraries that are not bundled into the program: native ones, and ssh2, which loads native parts when they are there. */
const LIBRARIES = ['node', 'ssh2', '@resvg/resvg-js'];
/** Native parts that ssh2 can do without, and that the workspace does not build. */
const LEFT_OUT = ['cpu-features', 'nan'];

const LICENSE = 'UNLICENSED';
const DESCRIPTION = 'Rolls out TLS whose private keys live in hardware tokens to Apache webservers, over SSH.';

/** What people read first about a package. */
export const PACKAGE = { name: 'hsmfleet', version: VERSION, description: DESCRIPTION } as const;

/**
 * Puts together what the npm package consists of.
 * @param folder made anew
 * @throws Error when the workspace is not built
 */
export function stagePackage(folder: string): void {
  for (const built of ['apps/cli/dist/main.mjs', 'apps/agent/dist/manifest.json']) {
    if (!existsSync(join(ROOT, built))) throw new Error(`${built} is missing: run \`npm run setup\` first`);
  }
  rmSync(folder, { recursive: true, force: true });
  for (const part of PARTS) copyFiles(join(ROOT, part), join(folder, part));
  const pages = manPages(COMMANDS);
  mkdirSync(join(folder, 'man'));
  for (const { file, roff } of pages) writeFileSync(join(folder, 'man', file), roff);
  writeFileSync(join(folder, 'README.md'), readFileSync(join(ROOT, 'packaging/README.npm.md')));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest(pages.map(({ file }) => `man/${file}`)), null, 2)}\n`);
}

/** What links point to is copied in their place: npm leaves links out of packages. */
function copyFiles(from: string, to: string): void {
  for (const name of readdirSync(from)) {
    if (statSync(join(from, name)).isDirectory()) copyFiles(join(from, name), join(to, name));
    else {
      mkdirSync(to, { recursive: true });
      copyFileSync(join(from, name), join(to, name));
    }
  }
}

function manifest(man: string[]): Record<string, unknown> {
  return {
    ...PACKAGE,
    license: LICENSE,
    bin: { hsmfleet: 'apps/cli/bin/hsmfleet' },
    man,
    // the add-on that talks to tokens is built for this kind of machine
    os: ['linux'],
    cpu: [process.arch],
    engines: { node: '>=20' },
    dependencies: Object.fromEntries(LIBRARIES.map((name) => [name, manifestOf(name, ROOT).version])),
  };
}

/** A library's package.json, and where it lies. */
interface Library {
  name: string;
  version: string;
  folder: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

function manifestOf(name: string, from: string): Library {
  const file = locate(name, from);
  if (file === undefined) throw new Error(`the npm package ${name} is not installed: run \`npm run setup\` first`);
  return { ...(JSON.parse(readFileSync(file, 'utf8')) as Library), folder: dirname(file) };
}

/** A package.json, as Node would find the library from that folder; undefined when it is not installed. */
function locate(name: string, from: string): string | undefined {
  return (createRequire(join(from, 'package.json')).resolve.paths(name) ?? []).map((modules) => join(modules, name, 'package.json')).find((path) => existsSync(path));
}

/**
 * Copies the libraries that are not bundled, with all that they need, into a folder's node_modules: for packages that must
 * not fetch anything when they are installed.
 */
export function copyLibraries(folder: string): void {
  const done = new Set<string>();
  const copy = (name: string, from: string, optional: boolean): void => {
    if (done.has(name) || LEFT_OUT.includes(name) || (optional && locate(name, from) === undefined)) return;
    done.add(name);
    const library = manifestOf(name, from);
    if (name === 'node') {
      // of this one only the binary is wanted, and its version
      for (const part of ['bin/node', 'package.json']) cpSync(join(library.folder, part), join(folder, 'node_modules/node', part), { dereference: true });
      return;
    }
    cpSync(library.folder, join(folder, 'node_modules', name), { recursive: true, filter: (path) => !path.slice(library.folder.length).includes('node_modules') && !lstatSync(path).isSymbolicLink() });
    for (const each of Object.keys(library.dependencies ?? {})) copy(each, library.folder, false);
    for (const each of Object.keys(library.optionalDependencies ?? {})) copy(each, library.folder, true);
  };
  for (const name of LIBRARIES) copy(name, join(ROOT, 'packages/transport-ssh'), false);
}
