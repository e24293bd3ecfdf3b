/**
 * Writes the registry of resources from the folders of packages/resources/src.
 * With `--check` nothing is written; the exit code is 1 when a file is not what the folders say.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listResources, renderRegistries } from './render.ts';

const sources = fileURLToPath(new URL('../../packages/resources/src/', import.meta.url));
const check = process.argv.includes('--check');

for (const [name, text] of Object.entries(renderRegistries(listResources(sources)))) {
  const path = join(sources, name);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
  if (check) {
    process.stderr.write(`packages/resources/src/${name} is not what the folders say: run node tools/generate-registry/main.ts\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    process.stderr.write(`wrote packages/resources/src/${name}\n`);
  }
}
