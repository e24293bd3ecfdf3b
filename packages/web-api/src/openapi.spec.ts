import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { openApiDocument } from './openapi.ts';
import { ROUTES } from './routes/index.ts';
import * as schemas from './schemas/index.ts';

const document = openApiDocument('0.1.0') as { openapi: string; paths: Record<string, Record<string, { operationId: string; 'x-role': string; security: unknown[] }>>; components: { schemas: Record<string, object> } };

test('the document is valid OpenAPI 3.1', async () => {
  expect(document.openapi).toBe('3.1.0');
  expect(await new Validator().validate(document as unknown as Parameters<Validator['validate']>[0])).toEqual({ valid: true });
});

test('it tells of every route, whom it serves, and by a name of its own', () => {
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  expect(operations).toHaveLength(ROUTES.length);
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(ROUTES.length);
  for (const operation of operations) expect(operation.security.length > 0).toBe(operation['x-role'] !== 'public');
});

test('every reference leads to a schema that validators take', () => {
  const ajv = new Ajv({ strict: false });
  for (const [name, schema] of Object.entries(document.components.schemas)) ajv.addSchema(schema, `#/components/schemas/${name}`);
  const references = new Set([...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference ?? ''));
  expect(references.size).toBeGreaterThan(25);
  for (const reference of references) expect(document.components.schemas, reference).toHaveProperty(reference.slice('#/components/schemas/'.length));
});

test('fields of answers are described, or speak for themselves by name', () => {
  const nameless = Object.entries(schemas).filter(([, schema]) => typeof schema === 'object' && !('type' in schema || 'anyOf' in schema));
  expect(nameless.map(([name]) => name)).toEqual([]);
});
