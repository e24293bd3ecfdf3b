import { createHash } from 'node:crypto';
import { HsmfleetError, Secret } from '@hsmfleet/contract';
import type { Content, FileStat, PlanOutcome, ReadHost, Step } from '@hsmfleet/resource';
import { missingAttributes, wantedAttributes, wantedIds, type AttributeParams, type WantedIds } from './attributes.ts';

/** What copy and template see of the file that they write. */
export interface ContentFacts {
  /** The file, once a directory named as destination has been completed by the source's name. */
  path: string;
  /** The destination ends with a slash and its directory is missing. */
  makeDirectory: string | null;
  stat: FileStat | null;
  /** Has the file the wanted contents? */
  same: boolean;
  ids: WantedIds;
  /** Milliseconds since 1970, for the name of a backup. */
  now: number;
  content: Content;
}

/** Parameters that copy and template share. */
export interface ContentParams extends AttributeParams {
  dest: string;
  backup?: boolean;
  force?: boolean;
}

/**
 * Reads the destination.
 * @param sourceName name of the source, to complete a destination that is a directory
 * @param sha256 of the wanted contents, hex
 */
export async function inspectContent(
  host: ReadHost, params: ContentParams, sourceName: string | undefined, content: Content, sha256: string,
): Promise<ContentFacts> {
  const stat = await host.stat(params.dest);
  const isDirectory = params.dest.endsWith('/') || stat?.kind === 'directory';
  let path = params.dest;
  let makeDirectory: string | null = null;
  if (isDirectory && sourceName !== undefined) {
    const directory = params.dest.replace(/\/+$/, '');
    path = `${directory}/${sourceName.slice(sourceName.lastIndexOf('/') + 1)}`;
    if (stat === undefined) makeDirectory = directory;
  }
  const seen = path === params.dest ? stat : await host.stat(path);
  return {
    path,
    makeDirectory,
    stat: seen ?? null,
    same: seen?.kind === 'file' && (await host.sha256(path)) === sha256,
    ids: await wantedIds(host, params),
    now: host.now(),
    content,
  };
}

/** Writes the file when its contents differ, sets owner and mode when only they do. */
export function planContent(params: ContentParams, facts: ContentFacts): PlanOutcome {
  const { path, stat } = facts;
  const wanted = wantedAttributes(params);
  const steps: Step[] = [];
  const result = { dest: path };
  if (stat !== null && stat.kind !== 'file') {
    throw new HsmfleetError('TASK_FAILED', `${path} exists and is no file (${stat.kind})`, {
      hint: stat.kind === 'directory' ? 'end dest with the name of the file' : 'remove it first, with the file resource and state: absent',
    });
  }
  const keep = stat !== null && params.force === false;
  if (facts.same || keep) {
    const missing = stat === null ? undefined : missingAttributes(stat, wanted, facts.ids);
    if (missing !== undefined) steps.push({ kind: 'set_attributes', path, ...missing });
    return { steps, result };
  }
  if (facts.makeDirectory !== null) steps.push({ kind: 'make_directory', path: facts.makeDirectory });
  if (stat === null || params.backup !== true) {
    steps.push({ kind: 'write_file', path, content: facts.content, ...wanted });
    return { steps, result };
  }
  const backup = `${path}.${new Date(facts.now).toISOString().slice(0, 19).replace('T', '@')}~`;
  steps.push(
    { kind: 'run', argv: ['cp', '--preserve=all', '--', path, backup], why: `keep ${path} as ${backup}` },
    { kind: 'write_file', path, content: facts.content, ...wanted },
  );
  return { steps, result: { ...result, backup_file: backup } };
}

/** Text to write, marked when a secret went into it, and its hash. */
export function textContent(text: string | Secret): { content: Content; sha256: string } {
  const secret = text instanceof Secret;
  const sha256 = createHash('sha256').update(secret ? text.reveal() : text).digest('hex');
  return { sha256, content: secret ? { from: 'secret', text } : { from: 'text', text } };
}
