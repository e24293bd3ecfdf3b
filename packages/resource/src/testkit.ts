import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HsmfleetError, Secret } from '@hsmfleet/contract';
import type { InputFile } from './host.ts';
import type { AnyResource, Inputs, PlanOutcome } from './resource.ts';

/**
 * One case of pure planning: parameters and facts in, steps (or a refusal) out. `{"$secret": "value"}` anywhere stands
 * for a Secret, in params, facts and expected steps alike.
 */
export interface PlanCase {
  title: string;
  params: Record<string, unknown>;
  facts: unknown;
  /** Contents of inputs by parameter name. */
  inputs?: Record<string, string>;
  expect: {
    steps?: unknown[];
    /** Substrings, each found in one warning, in order. */
    warnings?: string[];
    /** Error code that `plan` throws. */
    error?: string;
    /** Substring of that error's message. */
    message?: string;
  };
}

/** Reads every case of a resource's `cases` folder (each file: one case or a list), next to the calling spec. */
export function readCases(specUrl: string): PlanCase[] {
  const folder = fileURLToPath(new URL('cases/', specUrl));
  const cases = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as PlanCase | PlanCase[]);
  if (cases.length === 0) throw new Error(`no cases in ${folder}`);
  return cases;
}

/** Runs one case; answers what `plan` said in the case's own notation, ready for `toEqual(case.expect)`. */
export function runCase(resource: AnyResource, planCase: PlanCase): PlanCase['expect'] {
  const inputs: Record<string, InputFile> = {};
  for (const [param, text] of Object.entries(planCase.inputs ?? {})) inputs[param] = inputOf(param, text);
  let outcome: PlanOutcome;
  try {
    outcome = resource.plan(revive(planCase.params) as Record<string, unknown>, revive(planCase.facts), inputs as Inputs);
  } catch (thrown) {
    if (!(thrown instanceof HsmfleetError)) throw thrown;
    const { message } = planCase.expect;
    return {
      error: thrown.code,
      ...(message === undefined ? {} : { message: thrown.message.includes(message) ? message : thrown.message }),
    };
  }
  const warnings = outcome.warnings ?? [];
  const expected = planCase.expect.warnings;
  return {
    steps: freeze(outcome.steps) as unknown[],
    ...(warnings.length === 0 && expected === undefined
      ? {}
      : { warnings: warnings.map((warning, index) => (expected?.[index] !== undefined && warning.includes(expected[index]) ? expected[index] : warning)) }),
  };
}

function inputOf(name: string, text: string): InputFile {
  return { name, sha256: text, size: Buffer.byteLength(text), secret: false, read: () => Promise.resolve(Buffer.from(text)) };
}

function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]?.[0] === '$secret') return new Secret(String(entries[0][1]), 'a case');
  return Object.fromEntries(entries.map(([key, item]) => [key, revive(item)]));
}

function freeze(value: unknown): unknown {
  if (value instanceof Secret) return { $secret: value.reveal() };
  if (Array.isArray(value)) return value.map(freeze);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).filter(([, item]) => item !== undefined).map(([key, item]) => [key, freeze(item)]),
  );
}
