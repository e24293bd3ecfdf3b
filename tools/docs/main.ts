import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../architecture/src/workspace.ts';
import { pages, WRITTEN_BY_HAND } from './src/pages.ts';

/* Writes docs/reference anew: `npm run docs`. A test compares what is committed with what this would write. */
const folder = join(ROOT, 'docs/reference');
for (const name of readdirSync(folder)) if (!WRITTEN_BY_HAND.includes(name)) rmSync(join(folder, name), { recursive: true });
for (const page of pages()) {
  const file = join(folder, page.path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, page.text);
}
