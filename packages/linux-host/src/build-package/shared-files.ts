import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';

/** Writes a file that the build's user may read, whatever the agent's umask (which is that of a program with secrets: 077). */
export function writeShared(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o644);
}

/** Makes a folder that the build's user may enter and read. */
export function makeShared(path: string): void {
  mkdirSync(path);
  chmodSync(path, 0o755);
}
