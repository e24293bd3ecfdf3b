import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import { findArtifact } from '@hsmfleet/playbook';
import { createColors, formatTable, printable, printableBlock, printableJson, wantsColor } from '@hsmfleet/reporter';
import { openStore, type Store, type StoredArtifact } from '@hsmfleet/store';
import type { ArtifactSelection } from './commands/artifacts.ts';
import { writeOutput } from './output-file.ts';

/**
 * The packages that hosts built, by name, the one told of last first; empty when there is none.
 * @param pattern names with * and ?; all when undefined
 * @throws HsmfleetError ARTIFACT_MISSING when a pattern leaves none, STORE
 */
export function listArtifacts(pattern: string | undefined, json: boolean): Promise<string> {
  return withStore(async (store) => {
    const all = await store.artifacts();
    const found = all.filter(({ name }) => pattern === undefined || wildcard(pattern).test(name)).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    if (pattern !== undefined && found.length === 0) throw missing(pattern, undefined, all);
    if (json) return `${printableJson(found.map((one) => described(one, all)))}\n`;
    return found.length === 0 ? '' : formatTable(COLUMNS, found.map((one) => row(one, all)), createColors(wantsColor(process.stdout)));
  });
}

/** All of one package, with the end of its build log. @throws HsmfleetError ARTIFACT_MISSING, USAGE, STORE */
export function showArtifact(name: string, selection: ArtifactSelection, json: boolean): Promise<string> {
  return withStore(async (store) => {
    const all = await store.artifacts();
    const one = selectOne(name, selection, all);
    if (json) return `${printableJson({ ...described(one, all), log: one.log })}\n`;
    const facts: [string, string][] = [
      ['name', one.name], ['version', one.version], ['for', `${one.architecture} (${one.format})`], ['file', one.path === undefined ? `${one.file}, which is not here` : one.file],
      ['size', `${String(one.size)} bytes`], ['sha256', one.sha256], ['inputs', one.inputsSha256], ['built', `on ${one.buildHost} at ${one.builtAt}, run ${one.run}`],
      ['last told of', one.toldAt], ['kept in', one.path ?? '-'],
    ];
    const lines = facts.map(([label, value]) => `${label.padEnd(12)}  ${printable(value)}\n`);
    return `${lines.join('')}\n${printableBlock(one.log.trimEnd())}\n`;
  });
}

/**
 * Writes a package file, as {@link writeOutput} does.
 * @param target a file, or a folder, in which it gets its own name
 * @returns the path
 * @throws HsmfleetError ARTIFACT_MISSING, USAGE when the file exists, FILE_WRITE, STORE
 */
export function exportArtifact(name: string, target: string, selection: ArtifactSelection, force: boolean): Promise<string> {
  return withStore(async (store) => {
    const one = selectOne(name, selection, await store.artifacts());
    if (one.path === undefined) throw fileGone(one);
    const isFolder = (await stat(target).catch(() => undefined))?.isDirectory() === true;
    const path = isFolder ? join(target, one.file) : target;
    const kept = one.path;
    await writeOutput(path, { force }, async () => ({ contents: await readFile(kept) }));
    return `${printable(path)}\n`;
  });
}

/** Forgets packages and deletes their files here; tells which. @throws HsmfleetError ARTIFACT_MISSING, USAGE when nothing says which, STORE */
export function forgetArtifacts(name: string, selection: ArtifactSelection, all: boolean): Promise<string> {
  return withStore(async (store) => {
    const known = await store.artifacts();
    const found = select(name, selection, known);
    if (!all && found.length > 1) {
      throw new HsmfleetError('USAGE', `there are ${String(found.length)} artefacts "${name}"`, { hint: `say which (${kinds(found)}) with --version, --architecture and --format, or --all` });
    }
    for (const one of found) await store.forgetArtifact(one.sha256);
    return found.map((one) => `forgot ${printable(`${one.name} ${one.version} (${one.format}, ${one.architecture})`)}\n`).join('');
  });
}

const COLUMNS = ['name', 'version', 'architecture', 'format', 'latest', 'size', 'build host', 'built at', 'sha256'];

function row(one: StoredArtifact, all: readonly StoredArtifact[]): (string | number)[] {
  const state = one.path === undefined ? 'file missing' : isLatest(one, all) ? 'latest' : '';
  return [one.name, one.version, one.architecture, one.format, state, one.size, one.buildHost, one.builtAt.slice(0, 19).replace('T', ' '), one.sha256.slice(0, 12)];
}

function described({ log: _log, path, ...one }: StoredArtifact, all: readonly StoredArtifact[]): Record<string, unknown> {
  return { ...one, path: path ?? null, latest: isLatest({ ...one, log: '', path }, all) };
}

/** Is it the one that is installed when no version is asked for? */
function isLatest(one: StoredArtifact, all: readonly StoredArtifact[]): boolean {
  return findArtifact(one.name, undefined, all).candidates.some(({ blob }) => blob.sha256 === one.sha256);
}

/** All that a selection leaves of a name, the one told of last first. @throws HsmfleetError ARTIFACT_MISSING when none */
function select(name: string, { version, architecture, format }: ArtifactSelection, all: readonly StoredArtifact[]): StoredArtifact[] {
  const here = all.map((one) => ({ ...one, path: one.path ?? '' }));
  if (findArtifact(name, version, here).problem !== undefined) throw missing(name, version, here);
  const found = all.filter((one) => one.name === name && (architecture ?? one.architecture) === one.architecture && (format ?? one.format) === one.format
    && (version === undefined || findArtifact(name, version, [{ ...one, path: '' }]).problem === undefined));
  if (found.length === 0) throw new HsmfleetError('ARTIFACT_MISSING', `there is no such artefact "${name}"`, { hint: `there is ${kinds(all.filter((one) => one.name === name))}` });
  return found;
}

function selectOne(name: string, selection: ArtifactSelection, all: readonly StoredArtifact[]): StoredArtifact {
  const found = select(name, selection, all);
  const [first] = found;
  const other = found.find((one) => one.architecture !== first?.architecture || one.format !== first.format);
  if (first === undefined || other !== undefined) {
    throw new HsmfleetError('USAGE', `the artefact "${name}" is there for several kinds of hosts`, { hint: `say which (${kinds(found)}) with --architecture and --format` });
  }
  return first;
}

function missing(name: string, version: string | undefined, all: readonly StoredArtifact[]): HsmfleetError {
  const problem = findArtifact(name, version, all).problem;
  return new HsmfleetError('ARTIFACT_MISSING', problem?.message ?? `there is no artefact "${name}"`, { hint: problem?.hint });
}

function fileGone(one: StoredArtifact): HsmfleetError {
  return new HsmfleetError('ARTIFACT_MISSING', `the file of the artefact "${one.name}" ${one.version} is not here`, { hint: 'run the playbook that builds it again: what is built is only fetched' });
}

function kinds(found: readonly StoredArtifact[]): string {
  return [...new Set(found.map(({ version, format, architecture }) => `${version} ${format} ${architecture}`))].join(', ');
}

function wildcard(pattern: string): RegExp {
  const source = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, (char) => (char === '*' ? '.*' : char === '?' ? '.' : `\\${char}`));
  return new RegExp(`^${source}$`);
}

async function withStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore();
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
