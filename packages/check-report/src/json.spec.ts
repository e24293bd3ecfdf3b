import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { checkReportSchema } from './json.ts';
import { renderCheck } from './render-check.ts';
import { sampleReport } from './testkit/sample-report.ts';

const validate = new Ajv({ strict: true, allErrors: true }).compile(checkReportSchema());

test('the JSON of a check looks like this, and is valid by the schema that is published', async () => {
  const text = await renderCheck(sampleReport(), 'json', { color: true });
  await expect(text).toMatchFileSnapshot('testdata/report.json');
  const parsed: unknown = JSON.parse(text);
  expect(parsed).toEqual(sampleReport());
  expect(validate(parsed), JSON.stringify(validate.errors)).toBe(true);
});

test('the schema refuses a report of another version, and an outcome that it does not know', () => {
  expect(validate({ ...sampleReport(), schema: 'hsmfleet.check/2' })).toBe(false);
  const [first, ...others] = sampleReport().results;
  expect(validate({ ...sampleReport(), results: [{ ...first, outcome: 'skipped' }, ...others] })).toBe(false);
});
