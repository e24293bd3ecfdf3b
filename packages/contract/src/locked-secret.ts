import type { HsmfleetError } from './error.ts';
import { Secret } from './secret.ts';

/**
 * A secret whose password or identity is not at hand. Nothing is wrong with it until somebody needs its value: Ansible, too,
 * decrypts a value when it is used.
 */
export class LockedSecret extends Secret {
  /** Why it is closed, with the place where it stands. */
  readonly problem: HsmfleetError;

  constructor(problem: HsmfleetError, origin: string) {
    super('', origin);
    this.problem = problem;
  }

  /** @throws HsmfleetError VAULT_PASSWORD, AGE_IDENTITY */
  override reveal(): never {
    throw this.problem;
  }
}
