export * from './load-yaml.ts';
export * from './nearest-name.ts';
export * from './problems.ts';
export { readBySchema, type SchemaReading } from './read-by-schema.ts';
export * from './secret-reference.ts';
export * from './to-value.ts';
export { isLocked, SEALED_TAGS, type VaultOpener } from './vault-values.ts';
export { SealedFiles, UnopenedFile } from './sealed-files.ts';
export { YamlSource } from './yaml-source.ts';
