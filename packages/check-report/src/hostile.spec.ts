import { readFileSync } from 'node:fs';
import ajvDraft04 from 'ajv-draft-04';
import addFormats from 'ajv-formats';
import { parse as parseCsv } from 'csv-parse/sync';
import fc from 'fast-check';
import { parse as parseHtml, type DefaultTreeAdapterTypes } from 'parse5';
import { describe, expect, it } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import type { CheckReport } from '@hsmfleet/contract';
import { CSV_COLUMNS } from './csv.ts';
import { CHECK_FORMATS, renderCheck } from './render-check.ts';
import { hostileReport, reportsOfHostileTexts } from './testkit/hostile-report.ts';
import { sampleReport } from './testkit/sample-report.ts';

/** What could deceive whoever looks at it, the line ends of the report itself aside. */
const UNSAFE = /(?!\n)[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]/u;
const options = { color: false, width: 80 };
const schema = (name: string): string => readFileSync(new URL(`testdata/schemas/${name}`, import.meta.url), 'utf8');

/** Every hostile text on its own, then mixtures of them. */
async function withHostileReports(check: (report: CheckReport) => Promise<void>): Promise<void> {
  for (const report of reportsOfHostileTexts()) await check(report);
  await fc.assert(fc.asyncProperty(hostileReport, check), { numRuns: 20 });
}

describe('whatever hosts and profiles say', { timeout: 60_000 }, () => {
  it('no control, bidirectional or invisible character reaches the terminal, with colours or without', async () => {
    await withHostileReports(async (report) => {
      expect(await renderCheck(report, 'terminal', options)).not.toMatch(UNSAFE);
      // colours are the only sequences
      const colored = await renderCheck(report, 'terminal', { ...options, color: true });
      expect(colored.replaceAll(/\u001b\[\d+m/g, '')).not.toMatch(UNSAFE);
    });
  });

  it('an endless text fills no terminal, and takes no format long', async () => {
    const report = sampleReport();
    const endless = 'ab=c '.repeat(40_000);
    const results = report.results.map((result) => ({ ...result, findings: result.findings.map((found) => ({ ...found, message: endless, row: { label: endless } })), error: result.error === null ? null : { ...result.error, message: endless } }));
    for (const format of CHECK_FORMATS) {
      const before = performance.now();
      const text = await renderCheck({ ...report, results }, format, options);
      expect(performance.now() - before, format).toBeLessThan(10_000);
      if (format === 'terminal') expect(text.split('\n').length).toBeLessThan(150);
    }
  });

  it('JSON gives the report back, unchanged, and is safe to look at', async () => {
    await withHostileReports(async (report) => {
      const json = await renderCheck(report, 'json', options);
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(report)));
      expect(json).not.toMatch(UNSAFE);
    });
  });

  it('SARIF is valid by its schema, has a result for each finding, and neither links nor arguments of a host', async () => {
    const ajv = new ajvDraft04.default({ strict: false, allErrors: true, unicodeRegExp: false });
    addFormats.default(ajv);
    const validate = ajv.compile(JSON.parse(schema('sarif-2.1.0-rtm.5.json')) as object);
    await withHostileReports(async (report) => {
      const log = JSON.parse(await renderCheck(report, 'sarif', options)) as { runs: { results: { message: { text: string }; partialFingerprints: Record<string, string> }[] }[] };
      expect(validate(log), JSON.stringify(validate.errors)).toBe(true);
      const results = log.runs[0]?.results ?? [];
      const expected = report.results.flatMap(({ outcome, findings }) => (outcome === 'fail' || outcome === 'waived' ? Array.from({ length: Math.max(1, findings.length) }) : []));
      expect(results).toHaveLength(expected.length);
      for (const { message } of results) {
        expect(message.text).not.toContain('](');
        expect(message.text.replaceAll(/\{\{|\}\}/g, '')).not.toMatch(/[{}]/);
      }
    });
  });

  it('CSV has as many lines and columns as it should, and no cell that a spreadsheet would calculate, whatever it cuts at', async () => {
    await withHostileReports(async (report) => {
      const csv = await renderCheck(report, 'csv', options);
      const rows = parseCsv(csv) as string[][];
      const lines = report.results.reduce((sum, { findings }) => sum + Math.max(1, findings.length), 0);
      expect(rows).toHaveLength(lines + 1);
      expect(rows[0]).toEqual([...CSV_COLUMNS]);
      for (const row of rows) expect(row).toHaveLength(CSV_COLUMNS.length);
      expect(rows.flat().filter((cell) => /^[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(cell))).toEqual([]);
      expect(csv.split(/[;|]/).filter((cell, index) => index > 0 && /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(cell))).toEqual([]);
      expect(csv).not.toMatch(/[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f]/);
    });
  });

  it('HTML parses without an error, and holds only the elements and attributes of the page itself', async () => {
    await withHostileReports(async (report) => {
      const html = await renderCheck(report, 'html', options);
      const errors: string[] = [];
      const page = parseHtml(html, { onParseError: ({ code }) => errors.push(code) });
      expect(errors).toEqual([]);
      const { elements, attributes } = namesIn(page);
      expect([...elements].filter((name) => !/^(html|head|meta|title|style|body|main|h[123]|p|ul|li|dl|dt|dd|b|code|article|div|table|thead|tbody|tr|th|td)$/.test(name))).toEqual([]);
      expect([...attributes].filter((name) => !/^(lang|charset|http-equiv|content|name|class|scope|tabindex|role|aria-label)$/.test(name))).toEqual([]);
      expect(html).not.toMatch(UNSAFE);
    });
  });

  it('JUnit is well-formed and valid by Jenkins\' schema, with a case for each result', async () => {
    const xsd = schema('jenkins-junit.xsd');
    const reports = [...reportsOfHostileTexts(), ...fc.sample(hostileReport, 20)];
    const files = await Promise.all(reports.map(async (report, index) => ({ fileName: `${String(index)}.xml`, contents: await renderCheck(report, 'junit', options) })));
    // all of them in one go: the validator takes longer to start than to validate
    const { valid, errors } = await validateXML({ xml: files, schema: xsd });
    expect(errors.map(({ message }) => message)).toEqual([]);
    expect(valid).toBe(true);
    files.forEach(({ contents }, index) => {
      expect(contents.split('<testcase ').length - 1).toBe(reports[index]?.results.length);
      expect(contents).not.toMatch(UNSAFE);
    });
  });
});

function namesIn(node: DefaultTreeAdapterTypes.Node, found = { elements: new Set<string>(), attributes: new Set<string>() }): typeof found {
  if ('tagName' in node) {
    found.elements.add(node.tagName);
    for (const { name } of node.attrs) found.attributes.add(name);
  }
  if ('childNodes' in node) for (const child of node.childNodes) namesIn(child, found);
  return found;
}
