import { posix } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import { defineResource, type Attributes, type FileStat, type ReadHost, type Step } from '@hsmfleet/resource';
import { missingAttributes, wantedAttributes, wantedIds, type WantedIds } from './attributes.ts';
import { FileParams } from './schema.ts';

interface Facts {
  /** The path itself. */
  link: FileStat | null;
  /** What it leads to. */
  stat: FileStat | null;
  ids: WantedIds;
  /** With recurse: paths below whose attributes differ. */
  below: string[];
  /** State link: does what the link shall point at exist? */
  sourceExists: boolean;
}

export const resource = defineResource<FileParams, Facts>({
  name: 'file',
  summary: 'A file, directory or link: that it is there, or not, with owner, group and mode.',
  params: FileParams,
  examples: [
    { title: 'A directory', yaml: 'file:\n  path: /var/log/fleet\n  state: directory\n  owner: www-data\n  mode: "0750"\n' },
    { title: 'A link', yaml: 'file:\n  src: ../conf-available/fleet.conf\n  dest: /etc/apache2/conf-enabled/fleet.conf\n  state: link\n' },
    { title: 'Gone', yaml: 'file:\n  path: /etc/apache2/sites-enabled/000-default.conf\n  state: absent\n' },
  ],

  async inspect(host, params) {
    const path = pathOf(params);
    const [link, stat, ids] = await Promise.all([host.lstat(path), host.stat(path), wantedIds(host, params)]);
    return {
      link: link ?? null,
      stat: stat ?? null,
      ids,
      below: params.recurse === true && stat?.kind === 'directory' ? await differingBelow(host, path, wantedAttributes(params), ids) : [],
      sourceExists: params.src !== undefined && (await host.stat(posix.resolve(posix.dirname(path), params.src))) !== undefined,
    };
  },

  plan(params, facts) {
    const path = pathOf(params);
    const wanted = wantedAttributes(params);
    const state = params.state ?? stateNow(params, facts);
    if (params.recurse === true && state !== 'directory') throw invalid(`recurse goes with state directory, not with ${state}`);
    if (params.src !== undefined && state !== 'link') throw invalid(`src goes with state link, not with ${state}`, 'give state: link');
    const steps: Step[] = [];
    const noFollow = params.follow === false && facts.link?.kind === 'link';
    const seen = noFollow ? facts.link : facts.stat;

    switch (state) {
      case 'absent':
        return { steps: facts.link === null ? [] : [{ kind: 'remove', path }], result: { path, state } };
      case 'directory':
        if (facts.stat === null) return { steps: [{ kind: 'make_directory', path, ...wanted }], result: { path, state } };
        if (facts.stat.kind !== 'directory') throw failed(`${path} exists and is no directory (${facts.stat.kind})`, 'remove it first, with state: absent');
        if (facts.below.length > 0) steps.push({ kind: 'set_attributes', path, ...wanted, recursive: true });
        break;
      case 'link':
        steps.push(...linkSteps(path, params, facts));
        if (facts.stat === null || steps.length > 0) {
          if (Object.keys(wanted).length > 0 && facts.sourceExists) steps.push({ kind: 'set_attributes', path, ...wanted });
          return { steps, result: { path, dest: path, state } };
        }
        break;
      case 'file':
        if (facts.stat === null) throw failed(`${path} does not exist`, 'state: file makes none; use state: touch, copy or template');
        if (facts.stat.kind === 'directory') throw failed(`${path} is a directory, not a file`);
        break;
      case 'touch':
        if (facts.stat === null) return { steps: [{ kind: 'write_file', path, content: { from: 'text', text: '' }, ...wanted }], result: { path, state } };
    }
    if (steps.length === 0 && seen !== null) {
      const missing = missingAttributes(seen, wanted, facts.ids);
      // a link has no mode of its own
      if (noFollow && missing !== undefined) delete missing.mode;
      if (missing !== undefined && Object.keys(missing).length > 0) {
        steps.push({ kind: 'set_attributes', path, ...missing, ...(noFollow ? { noFollow: true } : {}) });
      }
    }
    return { steps, result: { path, state } };
  },
});

function linkSteps(path: string, params: FileParams, facts: Facts): Step[] {
  const { src, force } = params;
  if (src === undefined) {
    if (facts.link?.kind === 'link') return [];
    throw invalid('src is missing: state link needs to know what the link points at');
  }
  if (!facts.sourceExists && force !== true) {
    throw failed(`${src}, which ${path} shall point at, does not exist`, 'give force: true to make the link all the same');
  }
  if (facts.link?.kind === 'link') return facts.link.target === src ? [] : [{ kind: 'make_link', path, target: src }];
  if (facts.link !== null && force !== true) throw failed(`${path} exists and is no link (${facts.link.kind})`, 'give force: true to replace a file or an empty directory');
  return [{ kind: 'make_link', path, target: src, ...(force === true ? { force } : {}) }];
}

function stateNow(params: FileParams, facts: Facts): NonNullable<FileParams['state']> {
  if (params.recurse === true) return 'directory';
  if (facts.link === null) return 'file';
  if (facts.link.kind === 'link') return params.src === undefined && params.follow !== false && facts.stat?.kind === 'directory' ? 'directory' : 'link';
  return facts.link.kind === 'directory' ? 'directory' : 'file';
}

async function differingBelow(host: ReadHost, path: string, wanted: Attributes, ids: WantedIds): Promise<string[]> {
  const found: string[] = [];
  for (const name of (await host.list(path)) ?? []) {
    const inner = `${path}/${name}`;
    const stat = await host.lstat(inner);
    if (stat === undefined || stat.kind === 'link') continue;
    if (missingAttributes(stat, wanted, ids) !== undefined) found.push(inner);
    if (stat.kind === 'directory') found.push(...(await differingBelow(host, inner, wanted, ids)));
  }
  return found;
}

function pathOf(params: FileParams): string {
  const path = params.path ?? params.dest ?? params.name ?? '';
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

function invalid(message: string, hint?: string): HsmfleetError {
  return new HsmfleetError('PARAMS_INVALID', message, { hint });
}

function failed(message: string, hint?: string): HsmfleetError {
  return new HsmfleetError('TASK_FAILED', message, { hint });
}
