import { parse as parseCsv } from 'csv-parse/sync';
import type { Log } from 'sarif';
import { describe, expect, it, test } from 'vitest';
import type { CheckReport } from '@hsmfleet/contract';
import { CHECK_FORMATS, renderCheck } from './render-check.ts';
import { passingReport, sampleReport, wideReport } from './testkit/sample-report.ts';

const options = { color: false };

// terminal and JSON have their own; that these are valid by their published schemas is tried with hostile texts
test.each([['junit', 'junit.xml'], ['sarif', 'report.sarif'], ['csv', 'report.csv'], ['html', 'report.html']] as const)('%s looks like testdata/%s', async (format, file) => {
  await expect(await renderCheck(sampleReport(), format, options)).toMatchFileSnapshot(`testdata/${file}`);
});

test.each(CHECK_FORMATS)('%s ends with a line end, and is refused when a result names a control that is not there', async (format) => {
  expect(await renderCheck(passingReport(), format, options)).toMatch(/[^\n]\n$/);
  const broken: CheckReport = { ...sampleReport(), controls: [] };
  // JSON repeats what it is given; pages and files that join results with controls cannot
  if (format === 'json') expect(await renderCheck(broken, format, options)).toContain('"controls": []');
  else await expect(renderCheck(broken, format, options)).rejects.toThrow('names the control "module-read-only"');
});

describe('SARIF', () => {
  const render = async (report: CheckReport): Promise<Log> => JSON.parse(await renderCheck(report, 'sarif', options)) as Log;

  it('suppresses what is waived and nothing else, and says whose waiver expired', async () => {
    const results = (await render(sampleReport())).runs[0]?.results ?? [];
    expect(results.map(({ properties, suppressions }) => [properties?.['host'], properties?.['outcome'], suppressions?.length ?? 0])).toEqual([
      ['web01', 'fail', 0], ['web01', 'fail', 0], ['web02', 'fail', 0], ['web02', 'waived', 1], ['web03', 'fail', 0], ['web04', 'fail', 0], ['web04', 'fail', 0],
    ]);
    expect(results[3]?.suppressions?.[0]).toMatchObject({ kind: 'external', status: 'accepted', justification: expect.stringContaining('it-security') as string });
    expect(results[6]?.message.text).toContain('the waiver of it-security expired after 2026-05-31');
  });

  it('points to the control in the profile, and knows a finding again by its key', async () => {
    const [first] = (await render(sampleReport())).runs[0]?.results ?? [];
    expect(first?.locations?.[0]?.physicalLocation).toEqual({
      artifactLocation: { uri: 'playbooks/profiles/hsm-webserver.yml' }, region: { startLine: 12, startColumn: 5 },
    });
    expect(first?.partialFingerprints).toEqual({ 'hsmfleetFinding/v1': 'module-web01', primaryLocationLineHash: 'module-web01' });
    expect(first?.level).toBe('error');
  });

  it('tells apart what was not judged, and calls the check successful only when everything was', async () => {
    const [invocation] = (await render(sampleReport())).runs[0]?.invocations ?? [];
    expect(invocation).toMatchObject({ executionSuccessful: false, exitCode: 2 });
    expect(invocation?.toolExecutionNotifications?.filter(({ level }) => level === 'error')).toHaveLength(7);
    expect((await render(passingReport())).runs[0]).toMatchObject({ results: [], invocations: [{ executionSuccessful: true, exitCode: 0 }], properties: { counts: { pass: 30 } } });
  });

  it('names files in other places by their URI', async () => {
    const report = sampleReport();
    const controls = report.controls.map((control) => ({ ...control, position: { ...control.position, file: '/srv/my profiles/a#b.yml' } }));
    const [result] = (await render({ ...report, controls })).runs[0]?.results ?? [];
    expect(result?.locations?.[0]?.physicalLocation?.artifactLocation?.uri).toBe('file:///srv/my%20profiles/a%23b.yml');
  });
});

describe('JUnit', () => {
  it('keeps every outcome apart', async () => {
    const xml = await renderCheck(sampleReport(), 'junit', options);
    const count = (text: string): number => xml.split(text).length - 1;
    expect({ fail: count('status="fail"'), error: count('status="error"'), unreachable: count('status="unreachable"'), waived: count('status="waived"'), pass: count('status="pass"'), not_applicable: count('status="not_applicable"') })
      .toEqual(sampleReport().counts);
    expect(count('<failure ')).toBe(6);
    expect(count('<error ')).toBe(7);
    expect(count('<skipped>')).toBe(5);
  });
});

describe('CSV', () => {
  it('has a line for each finding and for each result without one', async () => {
    const rows = parseCsv(await renderCheck(sampleReport(), 'csv', options), { columns: true }) as Record<string, string>[];
    expect(rows).toHaveLength(30);
    expect(rows.filter(({ outcome }) => outcome === 'fail')).toHaveLength(6);
    expect(rows.find(({ finding_key }) => finding_key === 'module-web03')).toMatchObject({ evidence: 'snapshot', evidence_age_hours: '77.01', host: 'web03', severity: 'critical' });
    expect(rows.find(({ outcome, waiver_owner }) => outcome === 'fail' && waiver_owner !== '')).toMatchObject({ waiver_expired: 'true', waiver_until: '2026-05-31', host: 'web04' });
  });
});

describe('HTML', () => {
  it('needs nothing but itself', async () => {
    const html = await renderCheck(sampleReport(), 'html', options);
    expect(html).not.toMatch(/<script|<link|<img|url\(|@import|https?:\/\//);
    expect(html).toContain('default-src');
  });

  it('shows every outcome of every control and host', async () => {
    const html = await renderCheck(wideReport(3), 'html', options);
    expect(html).toContain('module of HOST answers C_CreateObject (3 hosts)');
    for (const host of wideReport(3).hosts) expect(html).toContain(`<td>${host}</td>`);
  });
});
