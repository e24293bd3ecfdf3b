import { Ajv, type ErrorObject } from 'ajv';
import { HsmfleetError, SiegePoint, SignPoint, type BenchmarkPoint } from '@hsmfleet/contract';

/** Characters that may not stand in XML, could reorder text, or cannot be seen. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]+/gu;

/**
 * Reads benchmark points from JSON text: an array, or one object per line.
 * @param source named in errors: a file, or the store
 * @throws HsmfleetError FILE_MISSING when the text is no JSON or holds something that is no benchmark point
 */
export function parsePoints(text: string, source: string): BenchmarkPoint[] {
  const trimmed = text.trim();
  if (trimmed === '') return [];
  const values = trimmed.startsWith('[') ? parseJson(trimmed, source) as unknown[]
    : trimmed.split('\n').filter((line) => line.trim() !== '').map((line, index) => parseJson(line, `line ${String(index + 1)} of ${source}`));
  return checkPoints(values, source);
}

/**
 * Takes values from outside as benchmark points. Texts come out as one line each, without characters that cannot be
 * seen or may not stand in XML: they replace by U+FFFD, line ends by a space.
 * @throws HsmfleetError FILE_MISSING when a value is no benchmark point
 */
export function checkPoints(values: readonly unknown[], source: string): BenchmarkPoint[] {
  const ajv = new Ajv({ allErrors: false });
  const kinds = new Map([['siege', ajv.compile<BenchmarkPoint>(SiegePoint)], ['sign', ajv.compile<BenchmarkPoint>(SignPoint)]]);
  return values.map((value, index) => {
    const kind = (value as { kind?: unknown } | null)?.kind;
    const check = kinds.get(String(kind));
    if (check === undefined) throw notAPoint(index, source, 'kind is neither siege nor sign');
    if (!check(value)) throw notAPoint(index, source, describe(check.errors?.at(-1)));
    if (Number.isNaN(Date.parse(value.at))) throw notAPoint(index, source, `at is no time: ${JSON.stringify(value.at)}`);
    return cleanTexts(value);
  });
}

function notAPoint(index: number, source: string, why: string): HsmfleetError {
  return new HsmfleetError('FILE_MISSING', `entry ${String(index + 1)} of ${source} is no benchmark point: ${why}`, {
    hint: 'points come from `hsmfleet bench run` and `hsmfleet bench sign`; `bench report --format json` writes them to a file',
  });
}

function describe(error: ErrorObject | undefined): string {
  const extra = (error?.params as { additionalProperty?: string } | undefined)?.additionalProperty;
  return `${error?.instancePath.slice(1).replaceAll('/', '.') ?? ''} ${error?.message ?? 'is not valid'}${extra === undefined ? '' : `: ${extra}`}`.trim();
}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    throw new HsmfleetError('FILE_MISSING', `${source} is no JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`, {
      hint: 'give a file that holds a JSON array of points, or one point per line', cause: thrown,
    });
  }
}

function cleanTexts<T>(value: T): T {
  if (typeof value === 'string') return value.replace(/\s+/g, ' ').replace(UNPRINTABLE, '\ufffd').trim() as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, cleanTexts(inner) as unknown])) as T;
}
