import { createHash } from 'node:crypto';
import { HsmfleetError, type ArtifactFormat, type HostFacts } from '@hsmfleet/contract';
import type { ReadHost } from '@hsmfleet/resource';
import type { SourcePackageParams } from './schema.ts';

/** Raised when the same inputs give other packages than before. */
const RECIPE = 1;
const MOST_ENTRIES = 100_000;

/** What is built by default, where the playbook says nothing. */
export const DEFAULTS = { revision: '1', prefix: '/usr', regenerate: 'auto', maintainer: 'hsmfleet <root@localhost>' } as const;

/** Hex SHA-256 over all that decides what a build gives, besides the versions of the tools on the host. */
export function hashInputs(params: SourcePackageParams, sourceSha256: string, format: ArtifactFormat, facts: HostFacts): string {
  const { name, version, revision, configure, prefix, regenerate, build_depends, depends, conffiles, summary, maintainer } = params;
  return createHash('sha256').update(JSON.stringify([
    RECIPE, sourceSha256, name, version, revision ?? DEFAULTS.revision, format, facts.distribution, facts.distribution_major_version, facts.architecture,
    prefix ?? DEFAULTS.prefix, regenerate ?? DEFAULTS.regenerate, configure ?? [], build_depends ?? [], depends ?? [], conffiles ?? [],
    summary ?? '', maintainer ?? DEFAULTS.maintainer,
  ])).digest('hex');
}

/**
 * Hex SHA-256 over names, kinds, contents and the execute bit of all in a folder, .git left out.
 * @throws HsmfleetError TASK_FAILED when there is none, or it is endless
 */
export async function hashFolder(host: ReadHost, folder: string): Promise<string> {
  if ((await host.stat(folder))?.kind !== 'directory') {
    throw new HsmfleetError('TASK_FAILED', `the host has no folder ${folder}, which directory names`, { hint: 'give the absolute path of the sources on this host' });
  }
  const hash = createHash('sha256');
  let entries = 0;
  const enter = async (path: string, name: string): Promise<void> => {
    for (const entry of (await host.list(path)) ?? []) {
      if (entry === '.git') continue;
      entries += 1;
      if (entries > MOST_ENTRIES) throw new HsmfleetError('TASK_FAILED', `${folder} has more than ${String(MOST_ENTRIES)} files: is it a source folder?`);
      const inner = `${path}/${entry}`;
      const shown = name === '' ? entry : `${name}/${entry}`;
      const stat = await host.lstat(inner);
      const contents = stat?.kind === 'file' ? await host.sha256(inner) : stat?.target;
      hash.update(`${JSON.stringify([shown, stat?.kind, (stat?.mode ?? 0) & 0o100, contents])}\n`);
      if (stat?.kind === 'directory') await enter(inner, shown);
    }
  };
  await enter(folder, '');
  return hash.digest('hex');
}
