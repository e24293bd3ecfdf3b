import { agents } from './agents.ts';
import { cardServices } from './card-services.ts';
import { certificates } from './certificates.ts';
import { hostFacts } from './host-facts.ts';
import { keys } from './keys.ts';
import type { FactsKind, InventoryKind } from './kind.ts';
import { modules } from './modules.ts';
import { nssDatabases, nssFiles } from './nss-databases.ts';
import { nssModules } from './nss-modules.ts';
import { pinEntries, pinFiles } from './pin-files.ts';
import { sites } from './sites.ts';
import { tokens } from './tokens.ts';
import { webServers } from './web-servers.ts';

/** Every kind of rows that inventories bring, in the order of the documentation. */
export const INVENTORY_KINDS: readonly InventoryKind[] = [
  modules, tokens, keys, certificates, nssDatabases, nssFiles, nssModules, sites, webServers, pinFiles, pinEntries, cardServices, agents,
];

/** Every kind whose rows have a history. */
export const HISTORY_KINDS: readonly (InventoryKind | FactsKind)[] = [hostFacts, ...INVENTORY_KINDS];
