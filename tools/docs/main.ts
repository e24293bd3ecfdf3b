import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../architecture/src/workspace.ts';
import { pages } from './src/pages.ts';

/* Writes docs/reference anew: `npm run docs`. A test compares what is committed with what this would write. */
const folder = join(ROOT, 'docs/reference');
rmSync(folder, { recursive: true, force: true });
for (const page of pages()) {
  const file = join(folder, page.path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, page.text);
}
