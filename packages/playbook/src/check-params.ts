import type { HsmfleetError} from '@hsmfleet/contract';
import { Deferred, Secret, type Value } from '@hsmfleet/contract';
import { KEYWORDS, type AnyResource } from '@hsmfleet/resource';
import { suggestion } from '@hsmfleet/yaml-source';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { TaskSource } from './source.ts';

const validators = new WeakMap<AnyResource, ValidateFunction>();
let ajv: Ajv | undefined;

/** Stands for a value that only the host will know. */
const UNKNOWN = '\u0000unknown';

/**
 * Checks parameters against the schema of their resource. Positions that hold something deferred or a secret are not
 * judged, nor are texts that the host will take for the wanted type ("80" for 80).
 * @returns PARAMS_INVALID errors, each at the place in the playbook it is about
 */
export function checkParams(task: TaskSource, params: Record<string, Value>): HsmfleetError[] {
  const open: string[] = [];
  const plain = plainOf(params, '', open);
  const validate = validatorOf(task.resource);
  if (validate(plain)) return [];
  const errors = (validate.errors ?? []).filter((error) => isJudged(error, open) && !isAdaptable(error, plain));
  const byPlace = new Map<string, ErrorObject[]>();
  for (const error of errors) byPlace.set(error.instancePath, [...(byPlace.get(error.instancePath) ?? []), error]);
  return [...byPlace].flatMap(([path, group]) => describeAll(task, path, group, plain));
}

function validatorOf(resource: AnyResource): ValidateFunction {
  let validate = validators.get(resource);
  if (validate === undefined) {
    if (ajv === undefined) {
      ajv = new Ajv({ allErrors: true, strict: false, verbose: true });
      for (const keyword of KEYWORDS) ajv.addKeyword(keyword);
    }
    validate = ajv.compile(resource.params);
    validators.set(resource, validate);
  }
  return validate;
}

function plainOf(value: Value, path: string, open: string[]): unknown {
  if (value instanceof Deferred || value instanceof Secret) {
    open.push(path);
    return UNKNOWN;
  }
  if (Array.isArray(value)) return value.map((item, index) => plainOf(item, `${path}/${String(index)}`, open));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainOf(item, `${path}/${escapePart(key)}`, open)]));
}

function escapePart(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

function partsOf(path: string): string[] {
  return path.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** What is wrong at or around a value not known yet may be right once it is known. */
function isJudged(error: ErrorObject, open: readonly string[]): boolean {
  const path = error.instancePath;
  if (open.some((each) => path === each || path.startsWith(`${each}/`))) return false;
  const combines = ['anyOf', 'oneOf', 'allOf', 'not', 'if', 'enum', 'const'].includes(error.keyword);
  return !(combines && path !== '' && open.some((each) => each.startsWith(`${path}/`)));
}

/** Texts that are numbers or truth values, and the reverse: the host adapts them, as Ansible does. */
function isAdaptable(error: ErrorObject, params: unknown): boolean {
  if (error.keyword !== 'type') return false;
  const wanted = (error.params as { type: string | string[] }).type;
  const value = partsOf(error.instancePath).reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], params);
  return [wanted].flat().some((type) => {
    if (type === 'string') return typeof value === 'number' || typeof value === 'boolean';
    if (typeof value !== 'string') return false;
    if (type === 'integer') return /^-?\d{1,15}$/.test(value);
    if (type === 'number') return /^-?\d+(\.\d+)?$/.test(value);
    return type === 'boolean' && /^(true|false|yes|no|on|off|0|1)$/i.test(value);
  });
}

/** One message per place; of a union's many errors the one that says most. */
function describeAll(task: TaskSource, path: string, errors: ErrorObject[], params: unknown): HsmfleetError[] {
  const parts = partsOf(path);
  const name = task.resource.name;
  const where = [name, ...parts].join('.');
  const problem = (message: string, at: readonly string[], what: 'key' | 'value', hint?: string): HsmfleetError =>
    task.source.problem('PARAMS_INVALID', message, task.placeOf(at, what), hint);
  const unknown = errors.filter((error) => error.keyword === 'additionalProperties');
  if (unknown.length > 0) {
    return unknown.map((error) => {
      const key = (error.params as { additionalProperty: string }).additionalProperty;
      const known = Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {});
      return problem(`${where} has no parameter "${key}"`, [...parts, key], 'key', suggestion(key, known) ?? `it has ${known.filter((each) => !each.startsWith('_')).join(', ')}`);
    });
  }
  const value = parts.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], params);
  const combined = errors.find((error) => ['anyOf', 'oneOf', 'not'].includes(error.keyword));
  const missing = errors.filter((error) => error.keyword === 'required').map((error) => (error.params as { missingProperty: string }).missingProperty);
  if (missing.length > 0) {
    if (combined !== undefined) return [problem(`${where} needs one of ${[...new Set(missing)].filter((each) => !each.startsWith('_')).join(', ')}`, parts, 'key')];
    return missing.map((key) => problem(`${where} needs "${key}"`, parts, 'key'));
  }
  const allowed = errors.flatMap((error) => (error.keyword === 'const' ? [(error.params as { allowedValue: unknown }).allowedValue] : error.keyword === 'enum' ? (error.params as { allowedValues: unknown[] }).allowedValues : []));
  if (allowed.length > 0) {
    const known = allowed.map(String);
    return [problem(`${where} must be ${allowed.length === 1 ? '' : 'one of '}${known.join(', ')}`, parts, 'value', typeof value === 'string' ? suggestion(value, known) : undefined)];
  }
  if (combined?.keyword === 'oneOf' || combined?.keyword === 'not') {
    const keys = JSON.stringify(combined.schema).match(/"required":\[[^\]]*\]/g)?.flatMap((each) => (JSON.parse(`{${each}}`) as { required: string[] }).required) ?? [];
    const given = [...new Set(keys)].filter((key) => Object.hasOwn((value ?? {}) as object, key));
    if (given.length > 1) return [problem(`${where}: ${given.join(' and ')} exclude one another`, [...parts, given.at(-1) ?? ''], 'key')];
  }
  const types = [...new Set(errors.flatMap((error) => (error.keyword === 'type' ? [(error.params as { type: string }).type] : [])))];
  const other = errors.find((error) => error.keyword !== 'type' && error !== combined);
  const description = (other ?? combined ?? errors[0])?.parentSchema as { description?: string } | undefined;
  const message = other === undefined && types.length > 0 ? `must be ${types.join(' or ')}` : ((other ?? errors[0])?.message ?? 'is not valid');
  const readable = message.replace(/^must match pattern "\^\/"$/, 'must be an absolute path');
  return [problem(`${where} ${readable}`, parts, parts.length === 0 ? 'key' : 'value', description?.description)];
}
