/** Hosts that one name may stand for: a mistyped range must not fill the memory. */
const RANGE_LIMIT = 100_000;
/** As Ansible has them in a row: small letters before capitals. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** A range that cannot be expanded. */
export class RangeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RangeError';
  }
}

/**
 * Names that a host's name with ranges stands for: `web[01:20].example`, `db[a:f]`, `n[0:10:2]`; both ends included,
 * leading zeros kept.
 * @throws RangeError
 */
export function expandRange(name: string): string[] {
  const found = /^(.*?)\[([^\]]*)\](.*)$/.exec(name);
  if (found === null && name.includes('[')) throw new RangeError(`the range in ${name} is not closed`);
  if (found === null) return [name];
  const [, before = '', range = '', after = ''] = found;
  const tails = expandRange(after);
  const names = steps(range).flatMap((step) => tails.map((tail) => before + step + tail));
  if (names.length > RANGE_LIMIT) throw new RangeError(`the range stands for more than ${String(RANGE_LIMIT)} hosts`);
  return names;
}

function steps(range: string): string[] {
  const [first, last, by = '1', more] = range.split(':');
  if (first === undefined || last === undefined || more !== undefined || !/^\d+$/.test(by) || Number(by) === 0) {
    throw new RangeError(`the range [${range}] is not of the form [first:last] or [first:last:step]`);
  }
  if (/^\d*$/.test(first) && /^\d+$/.test(last)) {
    const from = first === '' ? '0' : first;
    if (from.length > 1 && from.startsWith('0') && from.length !== last.length) {
      throw new RangeError(`the ends of the range [${range}] must have the same number of digits`);
    }
    const width = from.startsWith('0') ? from.length : 0;
    return sequence(Number(from), Number(last), Number(by), range).map((value) => String(value).padStart(width, '0'));
  }
  if (!/^[a-zA-Z]:[a-zA-Z]$/.test(`${first}:${last}`)) throw new RangeError(`the ends of the range [${range}] must be numbers or single letters`);
  return sequence(LETTERS.indexOf(first), LETTERS.indexOf(last), Number(by), range).map((index) => LETTERS.charAt(index));
}

function sequence(from: number, to: number, by: number, range: string): number[] {
  if (from > to) throw new RangeError(`the range [${range}] ends before it starts`);
  if ((to - from) / by > RANGE_LIMIT) throw new RangeError(`the range stands for more than ${String(RANGE_LIMIT)} hosts`);
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, index) => from + index * by);
}
