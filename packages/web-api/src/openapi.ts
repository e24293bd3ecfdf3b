import type { TObject, TSchema } from '@sinclair/typebox';
import { ROUTES } from './routes/index.ts';
import type { Route } from './route.ts';
import * as schemas from './schemas/index.ts';

/** Where the API lives. */
export const API_PREFIX = '/api/v1';

type Json = Record<string, unknown>;

const NAMES = new Map<unknown, string>(
  Object.entries(schemas).filter(([, value]) => typeof value === 'object').map(([name, value]) => [value, name]),
);

/** The API as an OpenAPI 3.1 document, made of the declarations of routes and schemas that the server itself uses. */
export function openApiDocument(version: string): Json {
  const used = new Map<string, unknown>();
  const reference = (schema: unknown): unknown => refer(schema, used);
  const paths: Record<string, Json> = {};
  for (const route of ROUTES) {
    const path = `${API_PREFIX}${route.path.replaceAll(/:([a-z]+)/g, '{$1}')}`;
    (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route, reference);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'hsmfleet', version,
      description: 'What the dashboard asks. Times are ISO 8601 in UTC. Log in with a token as bearer, or open a session with it.',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: Object.fromEntries([...used].sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'a token as `hsmfleet serve-token` prints it' },
        session: { type: 'apiKey', in: 'cookie', name: 'hsmfleet', description: 'set by POST /session; `__Host-hsmfleet` with TLS; all but GET need X-CSRF-Token too' },
      },
    },
  };
}

function operationOf(route: Route, reference: (schema: unknown) => unknown): Json {
  const content: Json = {};
  // a stream of messages has its own type only
  if (route.answer !== null && !('text/event-stream' in route.alternatives)) content['application/json'] = { schema: reference(route.answer) };
  for (const [type, description] of Object.entries(route.alternatives)) {
    content[type] = { schema: { type: 'string', description } };
  }
  if (route.answer !== null && 'text/event-stream' in route.alternatives) reference(route.answer);
  return {
    summary: route.summary,
    operationId: operationId(route),
    description: route.access === 'public' ? 'For everybody.' : `For the role ${route.access}.`,
    'x-role': route.access,
    security: route.access === 'public' ? [] : [{ bearer: [] }, { session: [] }],
    parameters: [...parametersOf(route.params, 'path', reference), ...parametersOf(route.query, 'query', reference)],
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: reference(route.body) } } } }),
    responses: {
      ...(route.answer === null ? { 204: { description: 'done' } } : { 200: { description: 'the answer', content } }),
      default: { description: 'a failure', content: { 'application/json': { schema: reference(schemas.Failure) } } },
    },
  };
}

function operationId(route: Route): string {
  const words = route.path.split('/').filter((part) => part !== '').map((part) => (part.startsWith(':') ? `by-${part.slice(1)}` : part));
  return [route.method.toLowerCase(), ...words].join('-').replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function parametersOf(schema: TSchema | undefined, where: 'path' | 'query', reference: (schema: unknown) => unknown): Json[] {
  if (schema === undefined) return [];
  const { properties, required = [] } = schema as TObject;
  return Object.entries(properties).map(([name, property]) => ({
    name, in: where, required: required.includes(name),
    ...(property.description === undefined ? {} : { description: property.description }),
    schema: reference(property),
  }));
}

/** A copy in which named schemas are references, and the named ones are collected. */
function refer(schema: unknown, used: Map<string, unknown>, top = false): unknown {
  if (Array.isArray(schema)) return schema.map((item) => refer(item, used));
  if (typeof schema !== 'object' || schema === null) return schema;
  const name = top ? undefined : NAMES.get(schema);
  if (name !== undefined) {
    if (!used.has(name)) {
      used.set(name, undefined);
      used.set(name, refer(schema, used, true));
    }
    return { $ref: `#/components/schemas/${name}` };
  }
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, refer(value, used)]));
}
