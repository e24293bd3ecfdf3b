// Generated from the folders beside this file by tools/generate-registry/main.ts: do not edit.
import type { AnyResource } from '@hsmfleet/resource';

/** How to load each resource by name: the agent evaluates only the resources that a plan uses. */
export const resourceLoaders: ReadonlyMap<string, () => Promise<{ resource: AnyResource }>> = new Map<
  string,
  () => Promise<{ resource: AnyResource }>
>([
  ['nss_database', () => import('./nss_database/index.ts')],
  ['nss_module', () => import('./nss_module/index.ts')],
  ['pin_file', () => import('./pin_file/index.ts')],
]);
