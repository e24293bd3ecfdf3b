import { Deferred, HsmfleetError, Secret, type Rendered, type SourcePosition, type Value } from '@hsmfleet/contract';
import type { AnyResource } from '@hsmfleet/resource';
import { renderValue, type Scope } from '@hsmfleet/template';
import { paramsValidator, type ParamsError } from './params-validator.ts';
import { wrapSecrets } from './secret-params.ts';

/** How often one value's type may be adapted before the parameters count as invalid. */
const MAX_ADAPTED = 50;

/**
 * Parameters as `inspect` and `plan` want them: rendered, validated, secrets wrapped, expressions evaluated.
 * @throws HsmfleetError UNDEFINED_VARIABLE, TEMPLATE_INVALID, PARAMS_INVALID
 */
export async function renderParams(
  resource: AnyResource,
  raw: Value,
  scope: Scope,
  position: SourcePosition,
  learn: (secret: Secret) => void,
): Promise<Record<string, unknown>> {
  const mapping = asMapping(resource, raw, position);
  const rendered: Record<string, Rendered> = {};
  const evaluated: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(mapping)) {
    if (resource.expressions?.includes(name) === true) {
      evaluated[name] = Array.isArray(value) ? value.map((one) => evaluateOne(one, scope)) : evaluateOne(value, scope);
      rendered[name] = expressionText(value);
    } else {
      rendered[name] = renderValue(value, scope);
    }
  }
  const validator = await paramsValidator(resource);
  let checked: Rendered = rendered;
  for (let adapted = 0; ; adapted += 1) {
    const errors = validator.errors(checked);
    if (errors.length === 0) break;
    const next: Rendered | undefined = adapted < MAX_ADAPTED ? adaptType(checked, errors) : undefined;
    if (next === undefined) throw invalid(resource, errors, checked, position);
    checked = next;
  }
  const wrapped = wrapSecrets(checked, validator.secrets, resource.name, learn) as Record<string, unknown>;
  return { ...wrapped, ...evaluated };
}

function asMapping(resource: AnyResource, raw: Value, position: SourcePosition): Record<string, Value> {
  if (raw === null) return {};
  if (typeof raw === 'object' && !Array.isArray(raw) && !(raw instanceof Secret) && !(raw instanceof Deferred)) return raw;
  if (resource.freeFormParam !== undefined) return { [resource.freeFormParam]: raw };
  throw new HsmfleetError('PARAMS_INVALID', `${resource.name} takes a mapping of parameters`, { position });
}

function evaluateOne(value: Value, scope: Scope): { expression: string; value: Rendered | undefined } {
  const expression = value instanceof Deferred ? value.text : String(value);
  try {
    return { expression, value: renderValue(value, scope) };
  } catch (thrown) {
    if (thrown instanceof HsmfleetError && thrown.code === 'UNDEFINED_VARIABLE') return { expression, value: undefined };
    throw thrown;
  }
}

function expressionText(value: Value): Rendered {
  if (Array.isArray(value)) return value.map(expressionText);
  return value instanceof Deferred ? value.text : (value as Rendered);
}

/**
 * Ansible takes "80" for a number and 80 for a text, and a value out of a template often has the other type. Adapts
 * the one value that is wrong, when the schema leaves one possibility; undefined when that cannot help. (Ajv's own
 * coercion would also turn a mode of 420 into the text "420", which is another mode.)
 */
function adaptType(params: Rendered, errors: readonly ParamsError[]): Rendered | undefined {
  const [error] = errors;
  if (errors.length !== 1 || error?.keyword !== 'type') return undefined;
  const wanted = (error.params as { type: unknown }).type;
  const path = pathOf(error);
  const adapted = adapt(valueAt(params, path), wanted);
  return adapted === undefined ? undefined : replaceAt(params, path, adapted);
}

function adapt(value: unknown, wanted: unknown): Rendered | undefined {
  if (wanted === 'string' && (typeof value === 'number' || typeof value === 'boolean')) {
    return typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value);
  }
  if (typeof value !== 'string') return undefined;
  if (wanted === 'integer' && /^-?\d{1,15}$/.test(value)) return Number(value);
  if (wanted === 'number' && /^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  if (wanted === 'boolean' && /^(true|yes|on|1)$/i.test(value)) return true;
  if (wanted === 'boolean' && /^(false|no|off|0)$/i.test(value)) return false;
  return undefined;
}

function pathOf(error: ParamsError): string[] {
  return error.instancePath.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (at === null || typeof at !== 'object' ? undefined : (at as Record<string, unknown>)[key]),
    value,
  );
}

function replaceAt(value: Rendered, path: readonly string[], replacement: Rendered): Rendered {
  const [key, ...rest] = path;
  if (key === undefined) return replacement;
  if (Array.isArray(value)) return value.map((item, index) => (String(index) === key ? replaceAt(item, rest, replacement) : item));
  const mapping = value as Record<string, Rendered>;
  return { ...mapping, [key]: replaceAt(mapping[key] as Rendered, rest, replacement) };
}

function invalid(resource: AnyResource, errors: readonly ParamsError[], params: Rendered, position: SourcePosition): HsmfleetError {
  const error = errors[0];
  const path = error === undefined ? [] : pathOf(error);
  const where = [resource.name, ...path].join('.');
  if (valueAt(params, path) instanceof Secret) {
    return new HsmfleetError('PARAMS_INVALID', `${where} is given a secret, which it would not keep secret`, {
      position,
      hint: 'hand secrets only to parameters that are documented to take one',
    });
  }
  const allowed = error?.keyword === 'enum' ? ` (${(error.params as { allowedValues: unknown[] }).allowedValues.join(', ')})` : '';
  const unknown = error?.keyword === 'additionalProperties' ? `: ${(error.params as { additionalProperty: string }).additionalProperty}` : '';
  return new HsmfleetError('PARAMS_INVALID', `${where} ${error?.message ?? 'is not valid'}${unknown}${allowed}`, {
    position,
    hint: `see docs/reference for the parameters of ${resource.name}`,
  });
}
