import type { Artifact } from '@hsmfleet/contract';
import type { ReadHost } from '@hsmfleet/resource';

/** A package that an earlier build left on the host. */
export interface Kept {
  artifact: Artifact;
  /** Of the package, in the package manager's words. */
  depends: readonly string[];
  path: string;
}

/** What a build with these inputs left in `folder`; undefined when there is nothing, or it is not whole. */
export async function readKept(host: ReadHost, folder: string, inputsSha256: string): Promise<Kept | undefined> {
  const text = await host.readText(`${folder}/artifact.json`);
  if (text === undefined) return undefined;
  let kept: { artifact: Artifact; depends: readonly string[] };
  try {
    kept = JSON.parse(text) as typeof kept;
  } catch {
    return undefined; // it is built again
  }
  const { artifact, depends } = kept;
  if (artifact.inputsSha256 !== inputsSha256) return undefined;
  const path = `${folder}/${artifact.file}`;
  return (await host.sha256(path)) === artifact.sha256 ? { artifact, depends, path } : undefined;
}
