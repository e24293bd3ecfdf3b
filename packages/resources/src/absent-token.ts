import { HsmfleetError } from '@hsmfleet/contract';

/**
 * The error for a token that is missing, with what is there instead, or why there may be nothing.
 * @param label undefined when any token would have done
 * @param labels of the tokens that are there
 */
export function absentToken(label: string | undefined, labels: readonly string[]): HsmfleetError {
  const named = labels.filter((each) => each !== '');
  const present = named.map((each) => `"${each}"`).join(', ') || 'none';
  return new HsmfleetError('TOKEN_NOT_FOUND', `no token${label === undefined ? '' : ` with the label "${label}"`} is present (present: ${present})`, {
    hint: named.length === 0 ? NO_TOKEN : 'labels are compared to the letter; `hsmfleet inventory` shows them',
  });
}

/** Reasons why a module shows no token at all. */
export const NO_TOKEN =
  'is it plugged in, and does pcscd run? a module that asks a daemon has to be told where, with env: p11-kit-client.so wants P11_KIT_SERVER_ADDRESS, and a `p11-kit server` that listens there';
