import type { ModuleRow } from '@hsmfleet/contract';
import type { MeasureSite, ReadHost } from '@hsmfleet/resource';
import { readApache } from '../inventory/apache.ts';
import { chooseModules, readModules } from '../inventory/modules.ts';
import { readNssDatabases } from '../inventory/nss-databases.ts';

/** What is known of keys, by the fingerprint of their public half. */
export type KnownKeys = MeasureSite['keys'];

/** Reads the tokens that the web server seems to use, without a login, as the inventory does. */
export async function identifyKeys(host: ReadHost): Promise<KnownKeys> {
  const apache = await readApache(host);
  const nss = await readNssDatabases(host, apache.sites.flatMap(({ database }) => database ?? []), true);
  return knownKeys(await readModules(host, await chooseModules(host, {}, apache, nss.rows)));
}

/** Keys on tokens; what only a certificate tells of, too. */
export function knownKeys(modules: readonly ModuleRow[]): KnownKeys {
  const known: Record<string, KnownKeys[string]> = {};
  for (const { path, description, version, sha256, tokens } of modules) {
    const module = { path, description, version, sha256 };
    for (const token of tokens) {
      for (const { label, keyFingerprint } of token.certificates) {
        known[keyFingerprint] ??= { key: { fingerprint: keyFingerprint, label, type: null, bits: null, curve: null }, token: token.label, module };
      }
      for (const { fingerprint, label, type, bits, curve } of token.keys) {
        if (fingerprint !== null) known[fingerprint] = { key: { fingerprint, label, type, bits, curve }, token: token.label, module };
      }
    }
  }
  return known;
}
