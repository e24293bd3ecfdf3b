import { HsmfleetError, type SourcePosition } from './error.ts';
import { Secret } from './secret.ts';

/** What a text that a host renders needs of the control host besides variables. */
export interface Bound {
  /** Results of lookups by the place of their call in the text: "LINE:COLUMN", counted from 0. */
  lookups?: Record<string, Value>;
  /** The templates that the text includes or imports, by the name it uses for them. */
  templates?: Record<string, Deferred>;
}

/**
 * Text with Jinja markup that the control host could not render yet because it needs facts, registered results or a
 * loop's item of the host. The agent renders it when its task comes up.
 */
export class Deferred {
  readonly text: string;
  readonly position: SourcePosition | undefined;
  /** `expression` keeps the type of the value (`when`, a bare `{{ list }}`); `text` is always a string. */
  readonly kind: 'text' | 'expression';
  /**
   * Set when the text itself is secret, since its file is encrypted: what it renders to is a Secret of this origin, and it
   * travels where secrets do.
   */
  readonly origin: string | undefined;
  /** Lookups and other templates, where the text has any and is rendered on a host. */
  readonly bound: Bound | undefined;

  constructor(text: string, kind: 'text' | 'expression' = 'text', position?: SourcePosition, origin?: string, bound?: Bound) {
    this.text = text;
    this.kind = kind;
    this.position = position;
    this.origin = origin;
    this.bound = bound;
  }
}

/** A value of the playbook language: JSON, secrets, and templates still to render. */
export type Value = null | boolean | number | string | Secret | Deferred | Value[] | { [key: string]: Value };

/** A value with nothing left to render. */
export type Rendered = null | boolean | number | string | Secret | Rendered[] | { [key: string]: Rendered };

/** A value as plain JSON on the wire. See {@link encodeValue}. */
export type WireValue = null | boolean | number | string | WireValue[] | { [key: string]: WireValue };

const RESERVED = ['$secret', '$template', '$expression'];

/** Collects the secrets of a plan, so that they travel in one field that is never journaled. */
export interface SecretTable {
  /** Stores the value once and answers its id. */
  put(secret: Secret): string;
  readonly entries: Record<string, { value: string; origin: string }>;
}

export function createSecretTable(): SecretTable {
  const entries: Record<string, { value: string; origin: string }> = {};
  const ids = new Map<string, string>();
  return {
    entries,
    put(secret) {
      const key = `${secret.origin}\0${secret.reveal()}`;
      let id = ids.get(key);
      if (id === undefined) {
        id = `s${String(ids.size + 1)}`;
        ids.set(key, id);
        entries[id] = { value: secret.reveal(), origin: secret.origin };
      }
      return id;
    },
  };
}

/**
 * Value to JSON: a secret becomes `{"$secret": id}`, deferred text `{"$template": text, "at": position}`, a deferred
 * expression `{"$expression": text, "at": position}`. Deferred text that is secret has the place of its text taken by the
 * secret: `{"$template": {"$secret": id}, …}`. Results of lookups and other templates travel beside it, in `lookups` and
 * `templates`.
 * @throws HsmfleetError PLAYBOOK_INVALID when a person's mapping uses one of the reserved keys
 */
export function encodeValue(value: Value, secrets: SecretTable): WireValue {
  if (value instanceof Secret) return { $secret: secrets.put(value) };
  if (value instanceof Deferred) {
    const key = value.kind === 'text' ? '$template' : '$expression';
    const text = value.origin === undefined ? value.text : { $secret: secrets.put(new Secret(value.text, value.origin)) };
    const { lookups, templates } = value.bound ?? {};
    return {
      [key]: text,
      ...(value.position === undefined ? {} : { at: { ...value.position } }),
      ...(lookups === undefined ? {} : { lookups: encodeEach(lookups, secrets) }),
      ...(templates === undefined ? {} : { templates: encodeEach(templates, secrets) }),
    };
  }
  if (Array.isArray(value)) return value.map((item) => encodeValue(item, secrets));
  if (value !== null && typeof value === 'object') {
    const out: { [key: string]: WireValue } = {};
    for (const [key, item] of Object.entries(value)) {
      if (RESERVED.includes(key)) throw new HsmfleetError('PLAYBOOK_INVALID', `the key "${key}" is reserved`);
      out[key] = encodeValue(item, secrets);
    }
    return out;
  }
  return value;
}

function encodeEach(values: Record<string, Value>, secrets: SecretTable): { [key: string]: WireValue } {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, encodeValue(value, secrets)]));
}

/** The reverse of {@link encodeValue}. @throws HsmfleetError AGENT when a secret id is unknown */
export function decodeValue(value: WireValue, secrets: Record<string, { value: string; origin: string }>): Value {
  if (Array.isArray(value)) return value.map((item) => decodeValue(item, secrets));
  if (value === null || typeof value !== 'object') return value;
  if (typeof value.$secret === 'string') {
    const entry = secrets[value.$secret];
    if (entry === undefined) throw new HsmfleetError('AGENT', `the plan names an unknown secret ${value.$secret}`);
    return new Secret(entry.value, entry.origin);
  }
  const at = value.at as SourcePosition | undefined;
  for (const [key, kind] of [['$template', 'text'], ['$expression', 'expression']] as const) {
    const text = value[key] === undefined ? undefined : decodeValue(value[key], secrets);
    if (text === undefined) continue;
    const bound = boundOf(value, secrets);
    if (typeof text === 'string') return new Deferred(text, kind, at, undefined, bound);
    if (text instanceof Secret) return new Deferred(text.reveal(), kind, at, text.origin, bound);
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decodeValue(item, secrets)]));
}

function boundOf({ lookups, templates }: { [key: string]: WireValue }, secrets: Record<string, { value: string; origin: string }>): Bound | undefined {
  if (lookups === undefined && templates === undefined) return undefined;
  return {
    ...(lookups === undefined ? {} : { lookups: decodeValue(lookups, secrets) as Record<string, Value> }),
    ...(templates === undefined ? {} : { templates: decodeValue(templates, secrets) as Record<string, Deferred> }),
  };
}

/** True when something inside still has to be rendered. */
export function isDeferred(value: Value): boolean {
  if (value instanceof Deferred) return true;
  if (value === null || typeof value !== 'object' || value instanceof Secret) return false;
  return (Array.isArray(value) ? value : Object.values(value)).some(isDeferred);
}
