import { HsmfleetError } from '@hsmfleet/contract';

/**
 * What ssh2 cannot do and OpenSSH can: whoever chose no transport by hand goes on with OpenSSH
 * (`details.fallback`).
 */
export function needsOpenSsh(host: string, why: string): HsmfleetError {
  return new HsmfleetError('UNREACHABLE', why, { host, hint: 'leave ansible_connection at smart, or set it to openssh', details: { fallback: true } });
}
