import { HsmfleetError } from '@hsmfleet/contract';

/** Wraps what a database or the file system said. An error of ours passes through. */
export function storeError(what: string, location: string, thrown: unknown): HsmfleetError {
  if (thrown instanceof HsmfleetError) return thrown;
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  const hint = location.startsWith('postgres')
    ? 'is the server there, and is HSMFLEET_DATABASE_URL right?'
    : 'check the owner, the permissions and the free space of its folder; XDG_STATE_HOME names another place';
  return new HsmfleetError('STORE', `${what} the history database ${location}: ${why}`, { hint, cause: thrown });
}
