import { OperationFailure, type Operand } from '../operand.ts';
import { toText } from '../represent.ts';
import { argument, computing, type Filter } from './filter.ts';

/** Python's normpath for POSIX. */
function normalize(path: string): string {
  const rooted = path.startsWith('/');
  const lead = !rooted ? '' : path.startsWith('//') && !path.startsWith('///') ? '//' : '/';
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '..' || !rooted) parts.push(part);
  }
  return lead + parts.join('/') || '.';
}

/** @throws OperationFailure for a path that hangs on where the program was started */
function absolute(path: string, filter: string): string[] {
  if (!path.startsWith('/')) throw new OperationFailure(`${filter} needs absolute paths`, 'put playbook_dir or another folder before it');
  return normalize(path).split('/').filter((part) => part !== '');
}

function relative(path: string, start: string): string {
  const relativeBoth = !path.startsWith('/') && !start.startsWith('/');
  const [to, from] = [path, start].map((each) => (relativeBoth ? normalize(each).split('/').filter((part) => part !== '.') : absolute(each, 'relpath'))) as [string[], string[]];
  let same = 0;
  while (same < Math.min(to.length, from.length) && to[same] === from[same]) same += 1;
  return [...from.slice(same).map(() => '..'), ...to.slice(same)].join('/') || '.';
}

function common(paths: string[]): string {
  const lists = paths.map((path) => normalize(path).split('/').filter((part) => part !== '' && part !== '.'));
  if (lists.length === 0 || paths.some((path) => path.startsWith('/') !== paths[0]?.startsWith('/'))) {
    throw new OperationFailure('commonpath needs paths that are all absolute or all relative');
  }
  const [first = [], ...others] = lists;
  let same = 0;
  while (same < first.length && others.every((other) => other[same] === first[same])) same += 1;
  return (paths[0]?.startsWith('/') === true ? '/' : '') + first.slice(0, same).join('/');
}

const textsOf = (input: Operand): string[] => [input].flat().map(toText);

/** Filters over paths. None looks at a file. */
export const PATH_FILTERS: Record<string, Filter> = {
  normpath: computing((input) => normalize(toText(input))),
  relpath: computing((input, call) => relative(toText(input), toText(argument(call, 0, 'start') ?? '.'))),
  commonpath: computing((input) => common(textsOf(input))),
};
