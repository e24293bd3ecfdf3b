import { globSync } from 'node:fs';
import { relative, join } from 'node:path';
import { resources } from '@hsmfleet/resources';
import { expect, test } from 'vitest';
import { ROOT } from '../../architecture/src/workspace.ts';
import { committed, pages, WRITTEN_BY_HAND } from './pages.ts';

const all = pages();

test.each(all.map((page) => [page.path, page] as const))('docs/reference/%s is up to date (npm run docs)', (_path, page) => {
  expect(committed(page)).toBe(page.text);
});

test('docs/reference holds nothing else', () => {
  const files = globSync(join(ROOT, 'docs/reference/**/*')).filter((file) => /\.(md|json)$/.test(file));
  expect(files.map((file) => relative(join(ROOT, 'docs/reference'), file)).sort()).toEqual([...all.map((page) => page.path), ...WRITTEN_BY_HAND].sort());
});

test('every resource has a page, and every parameter a description', () => {
  for (const resource of resources.values()) {
    expect(all.map((page) => page.path)).toContain(`resources/${resource.name}.md`);
    for (const [name, schema] of Object.entries(resource.params.properties)) {
      expect((schema as { description?: string }).description ?? '', `${resource.name}.${name}`).not.toBe('');
    }
  }
});
