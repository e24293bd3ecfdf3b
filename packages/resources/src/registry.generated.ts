// Generated from the folders beside this file by tools/generate-registry/main.ts: do not edit.
import type { AnyResource } from '@hsmfleet/resource';
import { resource as apacheModuleResource } from './apache_module/index.ts';
import { resource as apacheMpmResource } from './apache_mpm/index.ts';
import { resource as assertResource } from './assert/index.ts';
import { resource as commandResource } from './command/index.ts';
import { resource as copyResource } from './copy/index.ts';
import { resource as debugResource } from './debug/index.ts';
import { resource as doctorResource } from './doctor/index.ts';
import { resource as failResource } from './fail/index.ts';
import { resource as fileResource } from './file/index.ts';
import { resource as inventoryResource } from './inventory/index.ts';
import { resource as lineinfileResource } from './lineinfile/index.ts';
import { resource as nssDatabaseResource } from './nss_database/index.ts';
import { resource as nssModuleResource } from './nss_module/index.ts';
import { resource as packageResource } from './package/index.ts';
import { resource as pcscAccessResource } from './pcsc_access/index.ts';
import { resource as pinFileResource } from './pin_file/index.ts';
import { resource as pkcs11ModuleResource } from './pkcs11_module/index.ts';
import { resource as serviceResource } from './service/index.ts';
import { resource as setFactResource } from './set_fact/index.ts';
import { resource as sourcePackageResource } from './source_package/index.ts';
import { resource as statResource } from './stat/index.ts';
import { resource as templateResource } from './template/index.ts';
import { resource as tlsBenchmarkResource } from './tls_benchmark/index.ts';
import { resource as tlsSiteResource } from './tls_site/index.ts';
import { resource as waitForResource } from './wait_for/index.ts';

/** Every resource by name, in alphabetical order. */
export const resources: ReadonlyMap<string, AnyResource> = new Map<string, AnyResource>([
  ['apache_module', apacheModuleResource],
  ['apache_mpm', apacheMpmResource],
  ['assert', assertResource],
  ['command', commandResource],
  ['copy', copyResource],
  ['debug', debugResource],
  ['doctor', doctorResource],
  ['fail', failResource],
  ['file', fileResource],
  ['inventory', inventoryResource],
  ['lineinfile', lineinfileResource],
  ['nss_database', nssDatabaseResource],
  ['nss_module', nssModuleResource],
  ['package', packageResource],
  ['pcsc_access', pcscAccessResource],
  ['pin_file', pinFileResource],
  ['pkcs11_module', pkcs11ModuleResource],
  ['service', serviceResource],
  ['set_fact', setFactResource],
  ['source_package', sourcePackageResource],
  ['stat', statResource],
  ['template', templateResource],
  ['tls_benchmark', tlsBenchmarkResource],
  ['tls_site', tlsSiteResource],
  ['wait_for', waitForResource],
]);
