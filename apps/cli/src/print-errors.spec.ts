import { afterEach, describe, expect, it, vi } from 'vitest';
import { HsmfleetError, HsmfleetErrors } from '@hsmfleet/contract';
import { printErrors } from './print-errors.ts';

// the function writes to the process's own stderr, so that stream is watched for the length of a test
const written = (thrown: unknown, debug = false): string => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  vi.stubEnv('NO_COLOR', '1');
  expect(printErrors(thrown, { debug })).toBe(1);
  const text = write.mock.calls.map(([chunk]) => String(chunk)).join('');
  write.mockRestore();
  return text;
};
afterEach(() => { vi.unstubAllEnvs(); });

describe('errors', () => {
  it('of one go are printed together and counted', () => {
    const at = (line: number) => ({ file: 'site.yml', line, column: 5 });
    expect(written(new HsmfleetErrors([
      new HsmfleetError('PLAYBOOK_INVALID', 'unknown key "hots"', { position: at(1), excerpt: '  - hots: all', hint: 'did you mean "hosts"?' }),
      new HsmfleetError('UNDEFINED_VARIABLE', 'the variable "x" is not defined', { position: at(7) }),
    ]))).toBe([
      'error: unknown key "hots"', '  --> site.yml:1:5', '   |   - hots: all', '   |     ^', '  hint: did you mean "hosts"?',
      'error: the variable "x" is not defined', '  --> site.yml:7:5', '2 errors', '',
    ].join('\n'));
  });

  it('that nobody expected are one line, and a stack only with --debug', () => {
    const error = new TypeError('x is not a function');
    expect(written(error)).toBe('error: x is not a function\n  hint: this is a defect in hsmfleet: run with --debug to see where, and report it\n');
    expect(written(error, true)).toMatch(/^error: x is not a function\nTypeError: x is not a function\n {4}at .*print-errors\.spec/);
  });
});
