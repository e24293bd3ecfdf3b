import { Deferred, HsmfleetError, Secret, type ErrorCode, type Value } from '@hsmfleet/contract';
import type { Static, TSchema } from '@sinclair/typebox';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { isMap, isSeq, type Node } from 'yaml';
import { suggestion } from './nearest-name.ts';
import { dereference, mapEntries, toValue } from './to-value.ts';
import type { YamlSource } from './yaml-source.ts';

/** What a YAML file says, held against a schema. */
export interface SchemaReading<T> {
  /** Undefined when there are problems. */
  value: T | undefined;
  /** Every mistake, at its place. */
  problems: HsmfleetError[];
  /** Where something is, by path from the top: its value, or the nearest thing around it that exists. */
  placeOf(...path: (string | number)[]): Node | null;
}

const validators = new WeakMap<TSchema, ValidateFunction>();
let ajv: Ajv | undefined;

/**
 * Holds a file that people write against a schema. `!secret` and `!vault` are taken where the schema says `x-secret: true` and
 * nowhere else; templates are taken nowhere.
 * @param code of the mistakes
 * @param what the file is called: "the profile"
 */
export function readBySchema<S extends TSchema>(source: YamlSource, schema: S, code: ErrorCode, what: string): SchemaReading<Static<S>> {
  const placeOf = (...path: (string | number)[]): Node | null => nodeAt(source, path);
  if (source.problems.length > 0) return { value: undefined, placeOf, problems: [...source.problems] };
  if (source.root === null) {
    return { value: undefined, placeOf, problems: [source.problem(code, `${what} is empty`, { file: source.path, line: 1, column: 1 })] };
  }
  const problems: HsmfleetError[] = [];
  let written: Value;
  try {
    written = toValue(source.root, source);
  } catch (thrown) {
    if (!(thrown instanceof HsmfleetError)) throw thrown;
    return { value: undefined, placeOf, problems: [thrown] };
  }
  const value = plainOf(written, [], (path) => {
    problems.push(source.problem(code, 'templates are not rendered here', nodeAt(source, path)));
  });
  const validate = validatorOf(schema);
  if (!validate(value)) {
    const byPlace = new Map<string, ErrorObject[]>();
    for (const error of validate.errors ?? []) byPlace.set(error.instancePath, [...(byPlace.get(error.instancePath) ?? []), error]);
    for (const [path, errors] of byPlace) problems.push(...describe(source, partsOf(path), errors, code, what));
  }
  return problems.length > 0 ? { value: undefined, problems, placeOf } : { value: value as Static<S>, problems, placeOf };
}

function validatorOf(schema: TSchema): ValidateFunction {
  let validate = validators.get(schema);
  if (validate === undefined) {
    ajv ??= new Ajv({ allErrors: true, strict: false, verbose: true, useDefaults: true })
      .addKeyword({ keyword: 'x-secret', validate: (wanted: boolean, data: unknown) => !wanted || data instanceof Secret });
    validators.set(schema, (validate = ajv.compile(schema)));
  }
  return validate;
}

/** Values as a schema can judge them: dates and numbers stay, templates are told of. */
function plainOf(value: Value, path: (string | number)[], onTemplate: (path: (string | number)[]) => void): unknown {
  if (value instanceof Deferred) {
    onTemplate(path);
    return value.text;
  }
  if (value instanceof Secret || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item, index) => plainOf(item, [...path, index], onTemplate));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainOf(item, [...path, key], onTemplate)]));
}

function partsOf(path: string): string[] {
  return path.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** One message per place; of a union's many errors the one that says most. */
function describe(source: YamlSource, path: string[], errors: ErrorObject[], code: ErrorCode, what: string): HsmfleetError[] {
  const name = nameOf(path, what);
  const node = nodeAt(source, path);
  const problem = (message: string, at: unknown, hint?: string): HsmfleetError => source.problem(code, message, at, hint);
  const unknown = errors.filter(({ keyword }) => keyword === 'additionalProperties');
  const missing = errors.filter(({ keyword }) => keyword === 'required').map(({ params }) => (params as { missingProperty: string }).missingProperty);
  if (unknown.length + missing.length > 0) {
    return [
      ...unknown.map((error) => {
        const key = (error.params as { additionalProperty: string }).additionalProperty;
        const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {});
        return problem(`"${key}" is not a key of ${name}`, keyNodeAt(source, [...path, key]), suggestion(key, known) ?? `it has ${known.join(', ')}`);
      }),
      ...missing.map((key) => problem(`${name} needs "${key}"`, firstKey(node) ?? node)),
    ];
  }
  const allowed = [...new Set(errors.flatMap(({ keyword, params }) => (keyword === 'const' ? [String((params as { allowedValue: unknown }).allowedValue)] : [])))];
  if (allowed.length > 0) {
    const given = valueAt(source, path);
    return [problem(`${name} must be ${allowed.length === 1 ? '' : 'one of '}${allowed.join(', ')}`, node, typeof given === 'string' ? suggestion(given, allowed) : undefined)];
  }
  if (errors.some(({ keyword }) => keyword === 'x-secret')) return [problem(`${name} must be a !secret reference`, node, 'write !secret file:PATH, !secret env:NAME or !secret prompt:QUESTION')];
  const types = [...new Set(errors.flatMap(({ keyword, params }) => (keyword === 'type' ? [(params as { type: string | string[] }).type].flat() : [])))];
  const other = errors.find(({ keyword }) => keyword !== 'type' && keyword !== 'anyOf' && keyword !== 'oneOf');
  const description = ((other ?? errors[0])?.parentSchema as { description?: string } | undefined)?.description;
  if (other === undefined && types.length > 0) return [problem(`${name} must be ${types.map(typeName).join(' or ')}`, node, description)];
  return [problem(`${name} ${other?.keyword === 'pattern' ? 'is not written as it should be' : (other ?? errors[0])?.message ?? 'is not valid'}`, node, description)];
}

/** "severity", "an entry of controls", or what the file is called. */
function nameOf(path: readonly string[], what: string): string {
  const last = path.at(-1);
  if (last === undefined) return what;
  return /^\d+$/.test(last) ? `an entry of ${path.at(-2) ?? what}` : last;
}

function typeName(type: string): string {
  return ({ string: 'a text', integer: 'a whole number', number: 'a number', boolean: 'true or false', array: 'a list', object: 'a mapping', null: 'nothing' } as Record<string, string>)[type] ?? type;
}

function nodeAt(source: YamlSource, path: readonly (string | number)[]): Node | null {
  let node = dereference(source.root, source);
  for (const part of path) {
    const below: Node | null | undefined = isMap(node)
      ? mapEntries(node, source).find(({ key }) => key === String(part))?.value
      : isSeq(node) ? (node.items[Number(part)] as Node | undefined) : undefined;
    if (below === undefined || below === null) return isMap(node) ? keyNodeIn(source, node, String(part)) ?? node : node;
    node = dereference(below, source);
  }
  return node;
}

function keyNodeAt(source: YamlSource, path: readonly string[]): Node | null {
  const around = nodeAt(source, path.slice(0, -1));
  return keyNodeIn(source, around, path.at(-1) ?? '') ?? around;
}

function keyNodeIn(source: YamlSource, map: Node | null, key: string): Node | undefined {
  return isMap(map) ? mapEntries(map, source).find((entry) => entry.key === key)?.keyNode : undefined;
}

function firstKey(node: Node | null): Node | undefined {
  return isMap(node) ? (node.items[0]?.key as Node | undefined) : undefined;
}

function valueAt(source: YamlSource, path: readonly string[]): unknown {
  const value = (nodeAt(source, path) as { value?: unknown } | null)?.value;
  return value;
}
