import type { Artifact, ArtifactFormat } from '@hsmfleet/contract';
import type { BlobFiles } from './blob-files.ts';
import type { Sql } from './database.ts';

/** A package that a host built, and what the control host knows of it beyond. */
export interface StoredArtifact extends Artifact {
  /** The first run that told of it. */
  run: string;
  /** ISO 8601: when a run last told of it. */
  toldAt: string;
  /** Where its file lies; undefined when it is not here. */
  path: string | undefined;
}

/** @param name all when undefined */
export async function readArtifacts(sql: Sql, blobs: BlobFiles, name: string | undefined): Promise<StoredArtifact[]> {
  const rows = await sql.all('select * from artifact where $name is null or name = $name order by told_at desc, built_at desc', { name: name ?? null });
  return rows.map((row) => {
    const [sha256, size] = [String(row.sha256), Number(row.size)];
    return {
      name: String(row.name), version: String(row.version), architecture: String(row.architecture), format: String(row.format) as ArtifactFormat,
      sha256, size, buildHost: String(row.build_host), builtAt: String(row.built_at), inputsSha256: String(row.inputs_sha256),
      log: String(row.log), file: String(row.file), run: String(row.run), toldAt: String(row.told_at),
      path: blobs.has(sha256, size) ? blobs.path(sha256) : undefined,
    };
  });
}

/** False when there is none with that hash. */
export async function forgetArtifact(sql: Sql, sha256: string): Promise<boolean> {
  return (await sql.run('delete from artifact where sha256 = $sha256', { sha256 })) > 0;
}
