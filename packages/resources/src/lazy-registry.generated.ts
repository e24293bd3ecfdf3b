// Generated from the folders beside this file by tools/generate-registry/main.ts: do not edit.
import type { AnyResource } from '@hsmfleet/resource';

/** How to load each resource by name: the agent evaluates only the resources that a plan uses. */
export const resourceLoaders: ReadonlyMap<string, () => Promise<{ resource: AnyResource }>> = new Map<
  string,
  () => Promise<{ resource: AnyResource }>
>([
  ['apache_module', () => import('./apache_module/index.ts')],
  ['apache_mpm', () => import('./apache_mpm/index.ts')],
  ['assert', () => import('./assert/index.ts')],
  ['command', () => import('./command/index.ts')],
  ['copy', () => import('./copy/index.ts')],
  ['debug', () => import('./debug/index.ts')],
  ['doctor', () => import('./doctor/index.ts')],
  ['fail', () => import('./fail/index.ts')],
  ['file', () => import('./file/index.ts')],
  ['inventory', () => import('./inventory/index.ts')],
  ['lineinfile', () => import('./lineinfile/index.ts')],
  ['nss_database', () => import('./nss_database/index.ts')],
  ['nss_module', () => import('./nss_module/index.ts')],
  ['package', () => import('./package/index.ts')],
  ['pcsc_access', () => import('./pcsc_access/index.ts')],
  ['pin_file', () => import('./pin_file/index.ts')],
  ['pkcs11_module', () => import('./pkcs11_module/index.ts')],
  ['service', () => import('./service/index.ts')],
  ['set_fact', () => import('./set_fact/index.ts')],
  ['source_package', () => import('./source_package/index.ts')],
  ['stat', () => import('./stat/index.ts')],
  ['template', () => import('./template/index.ts')],
  ['tls_benchmark', () => import('./tls_benchmark/index.ts')],
  ['tls_site', () => import('./tls_site/index.ts')],
  ['wait_for', () => import('./wait_for/index.ts')],
]);
