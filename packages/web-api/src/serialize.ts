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
    const clean = check.Check(value) ? value : Value.Clean(schema, Value.Clone(value));
    const wrong = check.Errors(clean).First();
    if (wrong !== undefined) throw new TypeError(`an answer is not as its schema says, at ${wrong.path}: ${wrong.message}`);
    return JSON.stringify(clean);
  };
}
