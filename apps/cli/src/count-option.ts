import { HsmfleetError } from '@hsmfleet/contract';

/**
 * The number that an option gives, from 1 up.
 * @param option as it is written: --forks
 * @throws HsmfleetError USAGE
 */
export function countOption(option: string, value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new HsmfleetError('USAGE', `${option} wants a number from 1 up, not "${value}"`);
  return number;
}
