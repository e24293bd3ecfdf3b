import type { ModuleRow, NssDatabaseRow } from '@hsmfleet/contract';
import type { ModuleTarget, ReadHost } from '@hsmfleet/resource';
import type { ApacheFindings } from './apache.ts';
import type { InventoryParams } from './schema.ts';

const LIBRARY_FOLDERS = ['/usr/local/lib', '/usr/local/lib64', '/usr/lib', '/usr/lib64', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu'];

/**
 * Libraries looked for when nothing names one, in this order; the first kind that is found wins. Two libraries for one
 * card must not be read in turn: each selects its applet anew and takes the other's login away (field notes 3.6).
 */
const WELL_KNOWN: readonly (readonly string[])[] = [
  LIBRARY_FOLDERS.map((folder) => `${folder}/libsc-hsm-pkcs11.so`),
  ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib64/softhsm/libsofthsm2.so', '/usr/lib64/pkcs11/libsofthsm2.so'],
  LIBRARY_FOLDERS.map((folder) => `${folder}/opensc-pkcs11.so`),
];

/** The modules to read, each library once. */
export async function chooseModules(host: ReadHost, params: InventoryParams, apache: ApacheFindings, databases: readonly NssDatabaseRow[]): Promise<ModuleTarget[]> {
  const timeoutMs = (params.timeout ?? 10) * 1000;
  const { moduleEnv: env } = apache;
  if (params.modules !== undefined) {
    return params.modules.map((module) => (typeof module === 'string' ? { path: module, env, timeoutMs } : { path: module.path, env: module.env ?? env, timeoutMs }));
  }
  const registered = databases.flatMap(({ modules }) => modules).filter(({ enabled, library, source }) => enabled && source !== 'policy' && library.startsWith('/'));
  const named = await existing(host, [...registered.map(({ library }) => library), ...apache.modules], true);
  for (const paths of named.length > 0 ? [] : WELL_KNOWN) {
    named.push(...(await existing(host, paths, false)));
    if (named.length > 0) break;
  }
  return named.map((path) => ({ path, env, timeoutMs }));
}

/** Each file once, under the first of its names. */
async function existing(host: ReadHost, paths: readonly string[], keepMissing: boolean): Promise<string[]> {
  const seen = new Map<string, string>();
  for (const path of paths) {
    const real = await host.realPath(path);
    if (real === undefined && !keepMissing) continue;
    if (!seen.has(real ?? path)) seen.set(real ?? path, path);
  }
  return [...seen.values()];
}

/** Reads the modules one after the other: two at once on one reader would only wait for each other. */
export async function readModules(host: ReadHost, targets: readonly ModuleTarget[]): Promise<ModuleRow[]> {
  const rows: ModuleRow[] = [];
  for (const target of targets) {
    const row = await host.pkcs11.observe(target);
    rows.push({ ...row, tokens: row.tokens.map((token) => ({ ...token, certificates: token.certificates.map(({ der: _, ...certificate }) => certificate) })) });
  }
  return rows;
}

/** What can be said of the modules without touching a token. */
export async function lookAtModuleFiles(host: ReadHost, targets: readonly ModuleTarget[], at: string): Promise<ModuleRow[]> {
  return Promise.all(
    targets.map(async ({ path }): Promise<ModuleRow> => ({
      path,
      realPath: (await host.realPath(path)) ?? null,
      sha256: (await host.sha256(path)) ?? null,
      manufacturer: '', description: '', version: '', cryptokiVersion: '',
      readOnly: {
        verdict: 'unproven', reason: 'the module was not asked: only passive evidence was taken', token: null,
        flagWriteProtected: null, openReadWriteSession: null, generateKeyPair: null, at,
      },
      tokens: [],
      error: null,
    })),
  );
}
