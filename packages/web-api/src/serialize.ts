import type { TSchema } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { Value } from '@sinclair/typebox/value';

/**
 * Makes the serialiser of an answer: fields that its schema does not name are dropped, and what is then not as described is not
 * sent at all, so nothing leaves the server by accident.
 */
export function serializerOf(schema: TSchema): (value: unknown) => string {
  const check = TypeCompiler.Compile(schema);
  return (value) => {
    const clean = check.Check(value) ? value : withoutExtras(schema, value);
    const wrong = check.Errors(clean).First();
    if (wrong !== undefined) throw new TypeError(`an answer is not as its schema says, at ${wrong.path}: ${wrong.message}`);
    return JSON.stringify(clean);
  };
}

/** A copy without the fields that the schema does not name. TypeBox's own Clean leaves alternatives as they are. */
function withoutExtras(schema: TSchema, value: unknown): unknown {
  if (Array.isArray(schema.anyOf)) {
    const fitting = (schema.anyOf as TSchema[]).map((one) => [one, withoutExtras(one, value)] as const).find(([one, clean]) => Value.Check(one, clean));
    return fitting === undefined ? value : fitting[1];
  }
  if (schema.type === 'array' && Array.isArray(value)) return value.map((item) => withoutExtras(schema.items as TSchema, item));
  const named = schema.properties as Record<string, TSchema> | undefined;
  if (schema.type !== 'object' || named === undefined || typeof value !== 'object' || value === null) return value;
  const fields = value as Record<string, unknown>;
  return Object.fromEntries(Object.entries(named).filter(([name]) => fields[name] !== undefined).map(([name, field]) => [name, withoutExtras(field, fields[name])]));
}
