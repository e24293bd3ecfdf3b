import { readFileSync } from 'node:fs';
import { HsmfleetError, sealedKind } from '@hsmfleet/contract';
import { openBytes, type VaultOpener } from './vault-values.ts';

/**
 * Stops work that met an encrypted file which is not open yet. No mistake of a person: whoever started the work opens it
 * ({@link SealedFiles.settle}) and begins again.
 */
export class UnopenedFile extends Error {
  readonly path: string;

  constructor(path: string) {
    super(`${path} is encrypted and not open yet`);
    this.path = path;
  }
}

/**
 * Files that are encrypted as a whole and are no YAML: those that go to hosts, and those that templates look up. Compiling
 * goes through without waiting, decrypting takes time; so the first use of a file stops the work, and the next finds it open.
 * What was decrypted stays in memory.
 */
export class SealedFiles {
  readonly #vault: VaultOpener | undefined;
  readonly #opened = new Map<string, Buffer | HsmfleetError>();

  constructor(vault: VaultOpener | undefined) {
    this.#vault = vault;
  }

  /**
   * The bytes of a file, decrypted where it is encrypted.
   * @throws UnopenedFile at its first use; HsmfleetError VAULT_PASSWORD, VAULT_INVALID, AGE_IDENTITY, AGE_INVALID; what reading throws
   */
  read(path: string): { bytes: Buffer; sealed: boolean } {
    const known = this.#opened.get(path);
    if (known instanceof HsmfleetError) throw known;
    if (known !== undefined) return { bytes: known, sealed: true };
    const bytes = readFileSync(path);
    if (sealedKind(bytes) === undefined) return { bytes, sealed: false };
    throw new UnopenedFile(path);
  }

  /** Opens the file that stopped the work; a mistake is kept for the next {@link SealedFiles.read}. Anything else is thrown again. */
  async settle(thrown: unknown): Promise<void> {
    if (!(thrown instanceof UnopenedFile)) throw thrown;
    const sealed = readFileSync(thrown.path);
    try {
      this.#opened.set(thrown.path, await openBytes(sealedKind(sealed) === 'age' ? sealed : sealed.toString('utf8'), this.#vault));
    } catch (mistake) {
      if (!(mistake instanceof HsmfleetError)) throw mistake;
      this.#opened.set(thrown.path, new HsmfleetError(mistake.code, mistake.message, { hint: mistake.hint, position: { file: thrown.path, line: 1, column: 1 } }));
    }
  }
}
