import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BenchmarkPoint, SignPoint } from '@hsmfleet/contract';
import { defaultStorePath, openStore } from '@hsmfleet/store';
import { reportBenchmarks } from './report-benchmarks.ts';

const POINT: SignPoint = {
  kind: 'sign', at: '2026-11-24T08:00:00.000Z', host: 'web1', module: { path: '/lib/one.so', description: 'One', version: '1.0', sha256: null }, token: 'lab',
  key: { fingerprint: 'ab'.repeat(32), label: 'web', type: 'rsa', bits: 2048, curve: null }, algorithm: 'rsa-pkcs1-sha256', sessions: 1, seconds: 5, elapsedS: 5, signatures: 85,
  failed: 0, rate: 17, outcome: 'measured', problem: null,
};

let folder: string;
let printed: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-report-'));
  vi.stubEnv('XDG_STATE_HOME', join(folder, 'state'));
  printed = '';
  // what a person sees is what is tried; the stream itself belongs to the test runner
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => { printed += String(text); return true; });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function pointsFile(...points: BenchmarkPoint[]): string {
  const file = join(folder, 'points.json');
  writeFileSync(file, JSON.stringify(points));
  return file;
}

describe('bench report', () => {
  it('writes what it was asked for, and names it', async () => {
    const out = join(folder, 'deep/out');
    expect(await reportBenchmarks({ points: pointsFile(POINT, { ...POINT, sessions: 2, rate: 17.1 }), out, format: 'markdown, html,svg,png,json' })).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['plots', 'points.json', 'report.html', 'report.md']);
    expect(readdirSync(join(out, 'plots'))).toEqual(['signing-1.png', 'signing-1.svg']);
    expect(printed).toBe(`${out}/report.md\n${out}/report.html\n${out}/points.json\n${out}/plots (2 files)\n`);
  });

  it('takes points of the store, of one run when asked', async () => {
    const store = await openStore(defaultStorePath());
    for (const [index, run] of ['run-1', 'run-2'].entries()) {
      store.appendEvent({ type: 'benchmark', seq: 1, at: POINT.at, run, host: 'web1', point: { ...POINT, rate: 100 + index } });
    }
    await store.close();
    const out = join(folder, 'out');
    await reportBenchmarks({ run: ['run-2'], out, format: 'json' });
    expect((JSON.parse(readFileSync(join(out, 'points.json'), 'utf8')) as SignPoint[]).map(({ rate }) => rate)).toEqual([101]);
    await reportBenchmarks({ out, format: 'json' });
    expect(JSON.parse(readFileSync(join(out, 'points.json'), 'utf8'))).toHaveLength(2);
  });

  it.each([
    [{}, 'USAGE', /there are no benchmark points in the store/],
    [{ run: ['run-9'] }, 'USAGE', /no benchmark points of run run-9/],
    [{ format: 'pdf' }, 'USAGE', /--format does not know "pdf"/],
    [{ format: ' , ' }, 'USAGE', /--format is empty/],
    [{ since: '31.1.2026' }, 'USAGE', /--since wants a date, not "31\.1\.2026"/],
    [{ since: '2026-13-45' }, 'USAGE', /--since wants a date/],
    [{ points: '/nonexistent/points.json' }, 'FILE_MISSING', /cannot read \/nonexistent\/points\.json/],
    [{ points: 'x', run: ['run-1'] }, 'USAGE', /--run goes with the store/],
  ])('%j is refused', async (options, code, message) => {
    const out = join(folder, 'out');
    await expect(reportBenchmarks({ out, format: 'html', ...options })).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect(readdirSync(folder)).not.toContain('out');
  });

  it('tells what there is when nothing matches', async () => {
    await expect(reportBenchmarks({ points: pointsFile(POINT), host: ['web9'], out: folder, format: 'html' }))
      .rejects.toMatchObject({ code: 'USAGE', hint: 'there are points of the hosts web1, with the keys web, the newest of 2026-11-24T08:00:00.000Z' });
  });

  it('says where it cannot write', async () => {
    const points = pointsFile(POINT);
    await expect(reportBenchmarks({ points, out: '/proc/nowhere/report', format: 'markdown' })).rejects.toMatchObject({ code: 'FILE_WRITE' });
    await expect(reportBenchmarks({ points, out: points, format: 'markdown' })).rejects.toMatchObject({ code: 'FILE_WRITE' });
  });
});
