import { HsmfleetError, HsmfleetErrors } from '@hsmfleet/contract';
import { expect, it } from 'vitest';
import { createLog, errorSummary, logErrors, type Log } from './serve-log.ts';

function written(journal: boolean, use: (log: Log) => void): string[] {
  const lines: string[] = [];
  use(createLog((line) => { lines.push(line); }, journal, () => new Date('2026-03-01T00:00:00Z')));
  return lines;
}

it('a line is time, level, what, and fields that can be searched', () => {
  expect(written(false, (log) => { log('info', 'started', { schedule: 'nightly', run: 'r1', seconds: 1.5, error: null, why: undefined }); }))
    .toEqual(['2026-03-01T00:00:00.000Z info started schedule=nightly run=r1 seconds=1.5\n']);
  expect(written(true, (log) => { log('warning', 'skipped', { schedule: 'nightly' }); })).toEqual(['<4>skipped schedule=nightly\n']);
});

it('nothing that a host says makes a line of its own, or a field', () => {
  const [line = ''] = written(false, (log) => { log('error', 'bad\n2026 info all well', { error: 'x" run=r2\n\u001b[31m', name: 'a=b' }); });
  expect(line.split('\n')).toHaveLength(2);
  expect(line).not.toContain('\u001b');
  expect(line).toContain('name="a=b"');
  expect(line).toMatch(/error="x\\" run=r2/);
});

it('every mistake of a file is a line with its place', () => {
  const errors = new HsmfleetErrors([
    new HsmfleetError('SERVE_INVALID', 'no', { position: { file: 'serve.yml', line: 3, column: 5 }, hint: 'do it' }), new HsmfleetError('STORE', 'nor this'),
  ]);
  expect(written(false, (log) => { logErrors(log, 'error', 'not taken', errors); })).toEqual([
    '2026-03-01T00:00:00.000Z error not taken: no code=SERVE_INVALID at=serve.yml:3:5 hint="do it"\n', '2026-03-01T00:00:00.000Z error not taken: nor this code=STORE\n',
  ]);
  expect(errorSummary(errors)).toBe('serve.yml:3:5: no; and 1 more');
});
