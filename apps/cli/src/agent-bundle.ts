import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HsmfleetError } from '@hsmfleet/contract';
import type { AgentBundle } from '@hsmfleet/runner';
import { packRuntime, RUNTIME_PLATFORM } from './node-runtime.ts';

/** Top folder of the workspace: this file lies two folders below it, as source and built. */
export const WORKSPACE = fileURLToPath(new URL('../../..', import.meta.url));

/** `apps/agent/dist/manifest.json`, which the agent's build writes. */
interface Manifest {
  version: string;
  hash: string;
  files: { name: string; sha256: string; size: number }[];
}

/**
 * Everything a host may need before it can run a plan.
 * @param onPack called when the Node runtime has to be packed first, which takes some seconds
 * @throws HsmfleetError FILE_MISSING when the agent is not built
 */
export async function loadAgentBundle(onPack: () => void): Promise<AgentBundle> {
  const dist = join(WORKSPACE, 'apps/agent/dist');
  let manifest: Manifest;
  try {
    manifest = JSON.parse(await readFile(join(dist, 'manifest.json'), 'utf8')) as Manifest;
  } catch (cause) {
    throw new HsmfleetError('FILE_MISSING', `the agent is not built: ${join(dist, 'manifest.json')} cannot be read`, { hint: 'run `npm run setup`', cause });
  }
  const runtime = await packRuntime(WORKSPACE, onPack);
  return {
    version: manifest.version,
    hash: manifest.hash,
    files: manifest.files.map(({ name, sha256, size }) => ({ name, sha256, size, path: join(dist, name) })),
    runtimes: new Map([[RUNTIME_PLATFORM, runtime]]),
  };
}
