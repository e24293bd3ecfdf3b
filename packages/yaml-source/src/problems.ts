import { HsmfleetError, HsmfleetErrors } from '@hsmfleet/contract';
import { isLocked } from './vault-values.ts';

/** Collects mistakes, so that a person sees all of them at once. The same mistake at the same place counts once. */
export class Problems {
  readonly #found = new Map<string, HsmfleetError>();

  add(...errors: readonly HsmfleetError[]): void {
    for (const error of errors) {
      const at = error.position;
      const key = JSON.stringify([error.code, error.message, at?.file, at?.line, at?.column]);
      if (!this.#found.has(key)) this.#found.set(key, error);
    }
  }

  /** Runs something; what it throws is collected, and undefined is the answer. Defects pass through. */
  attempt<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (thrown) {
      this.addThrown(thrown);
      return undefined;
    }
  }

  /** Collects what was thrown; rethrows what is no mistake of a person. */
  addThrown(thrown: unknown): void {
    if (thrown instanceof HsmfleetErrors) this.add(...thrown.errors);
    else if (thrown instanceof HsmfleetError) this.add(thrown);
    else throw thrown;
  }

  get count(): number {
    return this.#found.size;
  }

  /** All of them, in the order of file and line. */
  get errors(): readonly HsmfleetError[] {
    const errors = [...this.#found.values()].sort((a, b) => {
      const [x, y] = [a.position, b.position];
      if (x === undefined || y === undefined || x.file !== y.file) return 0;
      return x.line - y.line || x.column - y.column;
    });
    return sayOnce(errors);
  }

  /** @throws HsmfleetError when there is one, HsmfleetErrors when there are several: see {@link Problems.errors} */
  throwIfAny(): void {
    const told = this.errors;
    if (told.length === 1) throw told[0] as HsmfleetError;
    if (told.length > 1) throw new HsmfleetErrors(told);
  }
}

/** One wrong vault password, or one missing identity, is one mistake, however many values it was for: the first place is told, and how many more. */
function sayOnce(errors: readonly HsmfleetError[]): HsmfleetError[] {
  const isPassword = (error: HsmfleetError, message?: string): boolean => isLocked(error) && (message === undefined || error.message === message);
  return errors.flatMap((error, index) => {
    if (!isPassword(error)) return [error];
    if (errors.findIndex(({ message, code }) => code === error.code && message === error.message) !== index) return [];
    const more = errors.filter((each) => isPassword(each, error.message)).length - 1;
    if (more === 0) return [error];
    return [new HsmfleetError(error.code, `${error.message}; the same goes for ${String(more)} more ${more === 1 ? 'place' : 'places'}`, {
      position: error.position, excerpt: error.excerpt, hint: error.hint, cause: error,
    })];
  });
}
