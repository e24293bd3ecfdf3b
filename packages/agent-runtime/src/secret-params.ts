import { Secret, type Rendered } from '@hsmfleet/contract';

/** Where a schema takes secrets: property names from the top, `*` for "every item or property". */
export type SecretPath = readonly string[];

interface SchemaNode {
  'x-secret'?: boolean;
  properties?: Record<string, SchemaNode>;
  patternProperties?: Record<string, SchemaNode>;
  additionalProperties?: SchemaNode | boolean;
  items?: SchemaNode | SchemaNode[];
  anyOf?: SchemaNode[];
  allOf?: SchemaNode[];
  oneOf?: SchemaNode[];
}

/** Every place of a parameters schema that is marked `x-secret`. */
export function secretPathsOf(schema: unknown): SecretPath[] {
  const found = new Map<string, SecretPath>();
  const visit = (node: unknown, path: SecretPath): void => {
    if (node === null || typeof node !== 'object') return;
    const at = node as SchemaNode;
    if (at['x-secret'] === true) found.set(path.join('\0'), path);
    for (const [name, child] of Object.entries(at.properties ?? {})) visit(child, [...path, name]);
    for (const child of Object.values(at.patternProperties ?? {})) visit(child, [...path, '*']);
    visit(at.additionalProperties, [...path, '*']);
    for (const child of [at.items].flat()) visit(child, [...path, '*']);
    for (const child of [...(at.anyOf ?? []), ...(at.allOf ?? []), ...(at.oneOf ?? [])]) visit(child, path);
  };
  visit(schema, []);
  return [...found.values()];
}

/** A copy in which plain text (or a number) at a secret place is a Secret; `learn` gets each of them. */
export function wrapSecrets(
  value: Rendered,
  paths: readonly SecretPath[],
  name: string,
  learn: (secret: Secret) => void,
): Rendered {
  if (paths.length === 0) return value;
  if (value instanceof Secret) return value;
  if (paths.some((path) => path.length === 0) && (typeof value === 'string' || typeof value === 'number')) {
    const secret = new Secret(String(value), name);
    learn(secret);
    return secret;
  }
  const below = (key: string) => paths.filter((path) => path[0] === key || path[0] === '*').map((path) => path.slice(1));
  if (Array.isArray(value)) return value.map((item) => wrapSecrets(item, below('*'), name, learn));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, wrapSecrets(item, below(key), `${name}.${key}`, learn)]),
  );
}
