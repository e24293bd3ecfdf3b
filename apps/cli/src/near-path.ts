import { relative } from 'node:path';

/** A file as people name it: from where they are, unless it lies elsewhere. */
export function nearPath(file: string): string {
  const near = relative(process.cwd(), file);
  return near === '' || near.startsWith('..') ? file : near;
}
