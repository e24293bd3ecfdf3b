import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { renderCheck } from './render-check.ts';
import { passingReport, sampleReport, wideReport } from './testkit/sample-report.ts';

const plain = { color: false, width: 80 };

describe('a check on a terminal', () => {
  it('looks like this', async () => {
    await expect(await renderCheck(sampleReport(), 'terminal', plain)).toMatchFileSnapshot('testdata/terminal.txt');
  });

  it('says the same in colours', async () => {
    const colored = await renderCheck(sampleReport(), 'terminal', { color: true, width: 80 });
    expect(stripVTControlCharacters(colored)).toBe(await renderCheck(sampleReport(), 'terminal', plain));
    expect(colored).not.toBe(stripVTControlCharacters(colored));
  });

  it.each([64, 80, 132])('stays within %i columns', async (width) => {
    const text = await renderCheck(wideReport(300), 'terminal', { color: false, width });
    expect(text.split('\n').filter((line) => line.length > width)).toEqual([]);
  });

  it('takes 80 columns for a terminal that does not say how many it has', async () => {
    expect(await renderCheck(sampleReport(), 'terminal', { color: false, width: 0 })).toBe(await renderCheck(sampleReport(), 'terminal', plain));
    expect(await renderCheck(sampleReport(), 'terminal', { color: false })).toBe(await renderCheck(sampleReport(), 'terminal', plain));
  });

  it('tells a finding of 300 hosts once, and a reason of 300 silent ones once, though each names its host', async () => {
    const text = await renderCheck(wideReport(300), 'terminal', plain);
    expect(text.split('answers C_CreateObject')).toHaveLength(2);
    expect(text).toContain('300 hosts: host0');
    expect(text).toContain('… 276 more');
    expect(text.split('connection refused')).toHaveLength(2);
    expect(text).toContain('no connection to HOST:22');
    expect(text).toContain('fail 300, error 0, unreachable 300, waived 0, pass 0, not applicable 0');
  });

  it('is short when all is well, and still counts every outcome', async () => {
    const text = await renderCheck(passingReport(), 'terminal', plain);
    expect(text).not.toMatch(/FAIL|WAIVED|ERROR|UNREACHABLE/);
    expect(text.trimEnd().split('\n').at(-1)).toBe('fail 0, error 0, unreachable 0, waived 0, pass 30, not applicable 0');
  });
});
