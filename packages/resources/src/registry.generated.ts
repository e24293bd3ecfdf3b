// Generated from the folders beside this file by tools/generate-registry/main.ts: do not edit.
import type { AnyResource } from '@hsmfleet/resource';
import { resource as nssDatabaseResource } from './nss_database/index.ts';
import { resource as nssModuleResource } from './nss_module/index.ts';
import { resource as pinFileResource } from './pin_file/index.ts';

/** Every resource by name, in alphabetical order. */
export const resources: ReadonlyMap<string, AnyResource> = new Map<string, AnyResource>([
  ['nss_database', nssDatabaseResource],
  ['nss_module', nssModuleResource],
  ['pin_file', pinFileResource],
]);
