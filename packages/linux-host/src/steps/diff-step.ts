import type { Diff } from '@hsmfleet/contract';
import { formatMode, type Attributes, type FileStat, type ReadHost, type Step, type WriteFile } from '@hsmfleet/resource';
import { contentBytes, type FileStepDeps } from './file-steps.ts';

/** A larger file's difference would be of no use to a person. */
const LIMIT = 512 * 1024;
const CONTEXT = 3;

/** What a step would change, read before it is done. Contents that hold a secret are never shown. */
export async function diffStep(step: Step, host: ReadHost, deps: Pick<FileStepDeps, 'blob'>): Promise<Diff[]> {
  switch (step.kind) {
    case 'write_file':
      return [...(await diffContent(step, host, deps)), ...attributeNotes(step.path, step, await host.stat(step.path))];
    case 'make_directory': {
      const before = await host.stat(step.path);
      return before === undefined ? [{ path: step.path, note: 'new directory' }] : attributeNotes(step.path, step, before);
    }
    case 'set_attributes':
      return attributeNotes(step.path, step, await (step.noFollow === true ? host.lstat(step.path) : host.stat(step.path)), step.recursive);
    case 'make_link': {
      const before = await host.lstat(step.path);
      return [{ path: step.path, note: `${before === undefined ? 'absent' : before.target === undefined ? before.kind : `link to ${before.target}`} -> link to ${step.target}` }];
    }
    case 'remove': {
      const before = await host.lstat(step.path);
      return before === undefined ? [] : [{ path: step.path, note: `${before.kind} -> absent` }];
    }
    case 'web_change': {
      const diffs: Diff[] = [];
      for (const change of step.changes) diffs.push(...(await diffStep(change, host, deps)));
      return diffs;
    }
    case 'build_package':
      return [{ path: step.outputDir, note: `new ${step.format} package ${step.name} ${step.version}-${step.revision}` }];
    case 'run':
    case 'service':
    case 'prove_pin':
    case 'measure_site':
      return [];
  }
}

async function diffContent(step: WriteFile, host: ReadHost, deps: Pick<FileStepDeps, 'blob'>): Promise<Diff[]> {
  const { path, content } = step;
  const stat = await host.stat(path);
  if (content.from === 'secret') return [{ path, note: `${stat === undefined ? 'new file' : 'new contents'}; holds a secret: contents not shown` }];
  // the old contents are not known to be free of secrets: a PIN file is for the web server's group
  if (stat !== undefined && (stat.mode & 0o004) === 0) return [{ path, note: 'new contents; the old ones are not for everybody to read, so they are not shown' }];
  if ((stat?.size ?? 0) > LIMIT) return [{ path, note: 'too large to show' }];
  const after = await contentBytes(content, deps);
  const before = stat === undefined ? Buffer.alloc(0) : ((await host.readFile(path)) ?? Buffer.alloc(0));
  if (stat !== undefined && before.equals(after)) return [];
  if (after.length > LIMIT) return [{ path, note: 'too large to show' }];
  if (before.includes(0) || after.includes(0)) {
    return [{ path, note: `${stat === undefined ? 'new binary file' : 'binary contents differ'}: ${String(before.length)} -> ${String(after.length)} bytes` }];
  }
  // loaded only when somebody wants a difference
  const { createTwoFilesPatch } = await import('diff');
  const unified = createTwoFilesPatch(
    stat === undefined ? '/dev/null' : path, path, before.toString('utf8'), after.toString('utf8'), undefined, undefined, { context: CONTEXT },
  );
  return [{ path, unified: unified.slice(unified.indexOf('---')) }];
}

function attributeNotes(path: string, wanted: Attributes, before: FileStat | undefined, recursive = false): Diff[] {
  const changes: string[] = [];
  if (wanted.mode !== undefined && wanted.mode !== before?.mode) {
    changes.push(`mode ${before === undefined ? '' : `${formatMode(before.mode)} -> `}${formatMode(wanted.mode)}`);
  }
  if (wanted.owner !== undefined && wanted.owner !== before?.owner) changes.push(`owner ${before === undefined ? '' : `${before.owner} -> `}${wanted.owner}`);
  if (wanted.group !== undefined && wanted.group !== before?.group) changes.push(`group ${before === undefined ? '' : `${before.group} -> `}${wanted.group}`);
  if (recursive) changes.push('owner or mode of files below');
  return changes.length === 0 ? [] : [{ path, note: changes.join(', ') }];
}
