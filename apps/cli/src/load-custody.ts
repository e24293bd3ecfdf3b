import type { KeyObject } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { HsmfleetError, type Plan, type PreparedToken, type Value } from '@hsmfleet/contract';
import { openManifest, preparedToken, readTrustedKeys } from '@hsmfleet/custody';
import type { CompiledPlay } from '@hsmfleet/playbook';

/** Manifests of the command line; they take the place of those that variables name. */
export interface CustodyOptions {
  manifest?: string[] | undefined;
  manifestKey?: string[] | undefined;
}

/** Variables that name manifests and trusted keys of a host, relative to the playbook. */
const VARIABLES = { manifests: 'hsmfleet_manifests', keys: 'hsmfleet_manifest_keys' } as const;

/**
 * Reads and verifies the manifests of a run, each file once. Everything that is wrong with them is found here, before any
 * host is touched.
 */
export class CustodyLoader {
  readonly #options: CustodyOptions;
  readonly #playbookDir: string;
  readonly #prepared = new Map<string, Promise<PreparedToken[]>>();

  /** @throws HsmfleetError USAGE when only manifests or only keys are given */
  constructor(options: CustodyOptions, playbookDir: string) {
    this.#options = options;
    this.#playbookDir = playbookDir;
    if (options.manifest !== undefined && options.manifestKey === undefined) {
      throw new HsmfleetError('USAGE', '--manifest needs a key to trust', { hint: 'give the public key of who prepared the tokens with --manifest-key' });
    }
    if (options.manifestKey !== undefined && options.manifest === undefined) {
      throw new HsmfleetError('USAGE', '--manifest-key is for manifests, and none is given', { hint: 'give them with --manifest; variables name keys of their own' });
    }
  }

  /**
   * The play's plans, each with the tokens that its host may have.
   * @throws HsmfleetError MANIFEST_INVALID, FILE_MISSING, PLAYBOOK_INVALID
   */
  async addTo(play: CompiledPlay): Promise<Map<string, Plan>> {
    const plans = new Map<string, Plan>();
    for (const [host, plan] of play.plans) {
      const custody = await this.#of(host, play.connection.get(host) ?? {});
      plans.set(host, custody === undefined ? plan : { ...plan, custody });
    }
    return plans;
  }

  async #of(host: string, variables: Record<string, Value>): Promise<PreparedToken[] | undefined> {
    if (this.#options.manifest !== undefined) return this.#load(this.#options.manifest, this.#options.manifestKey ?? [], '.');
    const manifests = listOf(variables[VARIABLES.manifests], VARIABLES.manifests, host);
    if (manifests.length === 0) return undefined;
    const keys = listOf(variables[VARIABLES.keys], VARIABLES.keys, host);
    if (keys.length === 0) {
      throw new HsmfleetError('PLAYBOOK_INVALID', `${host} has ${VARIABLES.manifests}, but no ${VARIABLES.keys}`, { host, hint: 'name the public key files of who prepared the tokens' });
    }
    return this.#load(manifests, keys, this.#playbookDir);
  }

  #load(manifests: readonly string[], keys: readonly string[], base: string): Promise<PreparedToken[]> {
    const name = JSON.stringify([manifests, keys]);
    let loaded = this.#prepared.get(name);
    if (loaded === undefined) {
      loaded = loadPreparedTokens(manifests.map((file) => resolve(base, file)), keys.map((file) => resolve(base, file)));
      this.#prepared.set(name, loaded);
    }
    return loaded;
  }
}

/**
 * Verifies manifests: files, or folders whose *.json files are all manifests.
 * @throws HsmfleetError MANIFEST_INVALID, FILE_MISSING
 */
export async function loadPreparedTokens(manifests: readonly string[], keys: readonly string[]): Promise<PreparedToken[]> {
  const trusted = await loadTrustedKeys(keys);
  const tokens = new Map<string, PreparedToken>();
  for (const file of (await Promise.all(manifests.map(filesOf))).flat()) {
    const { manifest, sha256 } = openManifest(await readText(file), file, trusted);
    if (!tokens.has(sha256)) tokens.set(sha256, preparedToken(manifest, sha256, file));
  }
  return [...tokens.values()];
}

/** @throws HsmfleetError MANIFEST_INVALID, FILE_MISSING */
export async function loadTrustedKeys(files: readonly string[]): Promise<KeyObject[]> {
  return (await Promise.all(files.map(async (file) => readTrustedKeys(await readText(file), file)))).flat();
}

/** @throws HsmfleetError FILE_MISSING */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    throw new HsmfleetError('FILE_MISSING', `cannot read ${file}: ${(thrown as Error).message}`, { cause: thrown });
  }
}

async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return [path];
  const files = (await readdir(path)).filter((name) => name.endsWith('.json')).sort().map((name) => join(path, name));
  if (files.length === 0) throw new HsmfleetError('FILE_MISSING', `the folder ${path} holds no manifests (*.json)`);
  return files;
}

function listOf(value: Value | undefined, name: string, host: string): string[] {
  const list = value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
  const wrong = list.find((item) => typeof item !== 'string');
  if (wrong !== undefined) throw new HsmfleetError('PLAYBOOK_INVALID', `${name} of ${host} has to be a file name, or a list of them, known before the run`, { host });
  return list as string[];
}
