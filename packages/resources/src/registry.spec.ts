import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { listResources, renderRegistries } from '../../../tools/generate-registry/render.ts';
import { resources } from './index.ts';
import { resourceLoaders } from './lazy-registry.generated.ts';
import { loadResource } from './lazy.ts';

const sources = fileURLToPath(new URL('.', import.meta.url));
const folders = listResources(sources);

test('the registry holds exactly the folders', () => {
  expect(folders.length).toBeGreaterThan(0);
  expect([...resources.keys()]).toEqual(folders);
  expect([...resourceLoaders.keys()]).toEqual(folders);
});

test('the generated files are what the generator writes today', () => {
  for (const [name, text] of Object.entries(renderRegistries(folders))) {
    expect(readFileSync(join(sources, name), 'utf8'), name).toBe(text);
  }
});

test('a resource is called as its folder, and the lazy registry loads the same one', async () => {
  for (const name of folders) {
    expect(resources.get(name)?.name).toBe(name);
    expect(await loadResource(name)).toBe(resources.get(name));
  }
  expect(await loadResource('no_such_resource')).toBeUndefined();
});
