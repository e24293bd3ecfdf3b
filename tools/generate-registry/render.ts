import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The generated files, relative to packages/resources/src, with what each is for. */
export const REGISTRY = 'registry.generated.ts';
export const LAZY_REGISTRY = 'lazy-registry.generated.ts';

const HEADER = '// Generated from the folders beside this file by tools/generate-registry/main.ts: do not edit.\n';

/** Names of the resources in a sources folder: every folder with an index.ts, sorted. */
export function listResources(sources: string): string[] {
  return readdirSync(sources, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(sources, entry.name, 'index.ts')))
    .map((entry) => entry.name)
    .sort();
}

/** Both registry files by name: one imports every resource, the other loads a resource when it is first used. */
export function renderRegistries(names: readonly string[]): Record<string, string> {
  const imports = names.map((name) => `import { resource as ${identifier(name)} } from './${name}/index.ts';\n`).join('');
  const entries = names.map((name) => `  ['${name}', ${identifier(name)}],\n`).join('');
  const loaders = names.map((name) => `  ['${name}', () => import('./${name}/index.ts')],\n`).join('');
  return {
    [REGISTRY]:
      `${HEADER}import type { AnyResource } from '@hsmfleet/resource';\n${imports}\n` +
      '/** Every resource by name, in alphabetical order. */\n' +
      `export const resources: ReadonlyMap<string, AnyResource> = new Map<string, AnyResource>([\n${entries}]);\n`,
    [LAZY_REGISTRY]:
      `${HEADER}import type { AnyResource } from '@hsmfleet/resource';\n\n` +
      '/** How to load each resource by name: the agent evaluates only the resources that a plan uses. */\n' +
      'export const resourceLoaders: ReadonlyMap<string, () => Promise<{ resource: AnyResource }>> = new Map<\n' +
      `  string,\n  () => Promise<{ resource: AnyResource }>\n>([\n${loaders}]);\n`,
  };
}

/** "nss_module" -> "nssModuleResource": a name that is never a reserved word (`package` is one). */
function identifier(name: string): string {
  return `${name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())}Resource`;
}
