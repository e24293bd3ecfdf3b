import { createHash } from 'node:crypto';
import type { Rendered } from '@hsmfleet/contract';
import { defineResource, formatMode, type FileStat, type ReadHost } from '@hsmfleet/resource';
import { StatParams } from './schema.ts';

interface Facts {
  stat: FileStat | null;
  checksum: string | null;
  /** Where a link leads in the end. */
  realPath: string | null;
}

/** Larger files get no checksum: hashing them would take longer than anyone expects of a look. */
const CHECKSUM_LIMIT = 256 * 1024 * 1024;

export const resource = defineResource<StatParams, Facts>({
  name: 'stat',
  summary: 'Looks at a file; `register` it to use what was seen. Changes nothing.',
  params: StatParams,
  examples: [{ title: 'Is a file there?', yaml: 'stat:\n  path: /etc/nss/db/key4.db\nregister: key_database\n' }],

  async inspect(host, params) {
    const path = pathOf(params);
    const stat = await (params.follow === true ? host.stat(path) : host.lstat(path));
    return {
      stat: stat ?? null,
      checksum: stat?.kind === 'file' && params.get_checksum !== false ? await checksum(host, path, stat, params.checksum_algorithm ?? 'sha1') : null,
      realPath: stat?.kind === 'link' ? ((await host.realPath(path)) ?? null) : null,
    };
  },

  plan(params, facts) {
    return { steps: [], result: { stat: facts.stat === null ? { exists: false } : shape(pathOf(params), facts.stat, facts) } };
  },
});

async function checksum(host: ReadHost, path: string, stat: FileStat, algorithm: string): Promise<string | null> {
  if (stat.size > CHECKSUM_LIMIT) return null;
  if (algorithm === 'sha256') return (await host.sha256(path)) ?? null;
  const bytes = await host.readFile(path, CHECKSUM_LIMIT);
  return bytes === undefined ? null : createHash(algorithm).update(bytes).digest('hex');
}

/** Ansible's names and units: seconds, and permission bits as booleans. */
function shape(path: string, stat: FileStat, { checksum: sum, realPath }: Facts): Record<string, Rendered> {
  const bit = (mask: number): boolean => (stat.mode & mask) !== 0;
  return {
    exists: true,
    path,
    mode: formatMode(stat.mode),
    isdir: stat.kind === 'directory',
    isreg: stat.kind === 'file',
    islnk: stat.kind === 'link',
    uid: stat.uid,
    gid: stat.gid,
    pw_name: stat.owner,
    gr_name: stat.group,
    size: stat.size,
    mtime: stat.mtimeMs / 1000,
    rusr: bit(0o400), wusr: bit(0o200), xusr: bit(0o100),
    rgrp: bit(0o040), wgrp: bit(0o020), xgrp: bit(0o010),
    roth: bit(0o004), woth: bit(0o002), xoth: bit(0o001),
    isuid: bit(0o4000), isgid: bit(0o2000),
    ...(sum === null ? {} : { checksum: sum }),
    ...(stat.target === undefined ? {} : { lnk_target: stat.target }),
    ...(realPath === null ? {} : { lnk_source: realPath }),
  };
}

function pathOf(params: StatParams): string {
  return params.path ?? params.dest ?? params.name ?? '';
}
