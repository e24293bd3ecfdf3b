import { Deferred, HostFacts, HsmfleetError, isDeferred, Secret, type Rendered, type SourcePosition, type Value } from '@hsmfleet/contract';
import { isLazy, referencesOf, renderValue, resolveLookups, type Lookups, type Scope } from '@hsmfleet/template';

/** Names that the host gives values to: its facts. */
export const FACT_NAMES: ReadonlySet<string> = new Set(['ansible_facts', ...Object.keys(HostFacts.properties).map((name) => `ansible_${name}`)]);

type State = 'known' | 'later' | 'absent';

/** Where the values of names come from. */
export interface VariableLayers {
  /** Lowest precedence first. */
  layers: readonly Readonly<Record<string, Value>>[];
  /** Names that only the host knows: they win over the layers. */
  later: ReadonlySet<string>;
  /** Names that the task itself, or a loop around it, gives a value to: they win over everything. */
  own?: ReadonlySet<string> | undefined;
  /** Parameters of roles and variables of includes: they win over what tasks register. */
  top: Readonly<Record<string, Value>>;
  /** `-e`. */
  extra: Readonly<Record<string, Value>>;
  lookups: Lookups | undefined;
}

/**
 * The variables of one host at one task: what the control host knows, and the names that only get their value on the
 * host (facts, registered results, `set_fact`, the item of a loop).
 */
export class Variables {
  readonly #given: VariableLayers;
  readonly #states = new Map<string, State>();
  readonly #scope: Scope;

  constructor(given: VariableLayers) {
    this.#given = given;
    this.#scope = { lookup: (name) => this.lookup(name), lookups: given.lookups };
  }

  /** The value that the control host knows, however late a better one may come. */
  lookup(name: string): Value | undefined {
    const { layers, top, extra, own } = this.#given;
    if (own?.has(name) !== true) {
      if (Object.hasOwn(extra, name)) return extra[name];
      if (Object.hasOwn(top, name)) return top[name];
    }
    for (let index = layers.length - 1; index >= 0; index -= 1) {
      const layer = layers[index];
      if (layer !== undefined && Object.hasOwn(layer, name)) return layer[name];
    }
    return undefined;
  }

  /** Whether a name only gets its value on the host: nothing that is known here wins over it. */
  isLater(name: string): boolean {
    const { later, top, extra, own } = this.#given;
    return own?.has(name) === true || (later.has(name) && !Object.hasOwn(extra, name) && !Object.hasOwn(top, name));
  }

  /** Every name that has or will have a value, for suggestions. */
  names(): Set<string> {
    const { layers, later, top, extra, own } = this.#given;
    return new Set([...[...layers, top, extra].flatMap((layer) => Object.keys(layer)), ...later, ...(own ?? [])]);
  }

  /** Whether a name's value, all it refers to included, is known on the control host. */
  stateOf(name: string): State {
    const known = this.#states.get(name);
    if (known !== undefined) return known;
    if (this.isLater(name)) return this.#remember(name, 'later');
    const value = this.lookup(name);
    if (value === undefined) return this.#remember(name, 'absent');
    // a variable that refers to itself counts as known: rendering it says what is wrong
    this.#states.set(name, 'known');
    return this.#remember(name, this.#waits(value) ? 'later' : 'known');
  }

  #remember(name: string, state: State): State {
    this.#states.set(name, state);
    return state;
  }

  #waits(value: Value): boolean {
    if (value instanceof Deferred) return this.laterNames(value).length > 0;
    if (value === null || typeof value !== 'object' || value instanceof Secret || isLazy(value)) return false;
    return (Array.isArray(value) ? value : Object.values(value)).some((item) => this.#waits(item));
  }

  /** Names in a text whose values come on the host. @throws HsmfleetError TEMPLATE_INVALID */
  laterNames(deferred: Deferred): string[] {
    const { required, optional } = referencesOf(deferred);
    return [...required, ...optional].filter((name) => this.stateOf(name) === 'later');
  }

  /**
   * Renders what is known; what has to wait stays Deferred.
   * @param guards names that a condition of the task asks for first: their absence is no mistake
   * @param fail gets every mistake; the part that has one is left out
   */
  prepare(value: Value, guards: ReadonlySet<string>, fail: (thrown: unknown) => void): Value {
    if (!isDeferred(value)) return value;
    if (value instanceof Deferred) return this.#prepareOne(value, guards, fail) ?? null;
    if (Array.isArray(value)) {
      return value.flatMap((item) => {
        if (!(item instanceof Deferred)) return [this.prepare(item, guards, fail)];
        const prepared = this.#prepareOne(item, guards, fail);
        return prepared === undefined ? [] : [prepared];
      });
    }
    const out: { [key: string]: Value } = {};
    for (const [key, item] of Object.entries(value as { [key: string]: Value })) {
      const prepared = item instanceof Deferred ? this.#prepareOne(item, guards, fail) : this.prepare(item, guards, fail);
      if (prepared !== undefined) out[key] = prepared;
    }
    return out;
  }

  /** Undefined when the value is `omit`, or has a mistake. */
  #prepareOne(deferred: Deferred, guards: ReadonlySet<string>, fail: (thrown: unknown) => void): Value | undefined {
    try {
      if (this.mustWait(deferred, guards)) return this.withLookups(deferred);
      // in a list, so that an omitted value shows as missing
      const [rendered] = renderValue([deferred], this.#scope) as [Rendered | undefined];
      return rendered;
    } catch (thrown) {
      fail(thrown);
      return undefined;
    }
  }

  /** Whether a text can only be rendered on the host. @throws HsmfleetError UNDEFINED_VARIABLE for a name that will never have a value */
  mustWait(deferred: Deferred, guards: ReadonlySet<string>): boolean {
    const { required } = referencesOf(deferred);
    const absent = [...required].filter((name) => this.stateOf(name) === 'absent');
    if (this.laterNames(deferred).length > 0) {
      this.#requireNames(deferred, guards, new Set());
      return true;
    }
    return absent.length > 0 && absent.every((name) => guards.has(name));
  }

  /** Renders with further values on top, to find mistakes that depend on a loop's item. @throws HsmfleetError */
  tryWith(deferred: Deferred, top: Record<string, Value>): void {
    renderValue(deferred, { lookup: (name) => (Object.hasOwn(top, name) ? top[name] : this.lookup(name)), lookups: this.#scope.lookups });
  }

  /** A text that waits for the host, with the results of its lookups. @throws HsmfleetError TEMPLATE_INVALID, FILE_MISSING */
  withLookups(deferred: Deferred): Deferred {
    return resolveLookups(deferred, this.#scope, this.#scope.lookups, { isLater: (name) => this.stateOf(name) === 'later' });
  }

  get scope(): Scope {
    return this.#scope;
  }

  #requireNames(deferred: Deferred, guards: ReadonlySet<string>, seen: Set<string>): void {
    for (const name of referencesOf(deferred).required) {
      if (seen.has(name) || guards.has(name)) continue;
      seen.add(name);
      if (this.stateOf(name) === 'absent') throw new HsmfleetError('UNDEFINED_VARIABLE', `the variable "${name}" is not defined`, { position: placeOf(name, deferred) });
      const value = this.lookup(name);
      if (value instanceof Deferred && !this.isLater(name)) this.#requireNames(value, guards, seen);
    }
  }
}

function placeOf(name: string, deferred: Deferred): SourcePosition | undefined {
  const { position } = deferred;
  const place = referencesOf(deferred).places.get(name);
  if (position === undefined || place === undefined) return position;
  return { file: position.file, line: position.line + place.lineno, column: position.column + place.colno };
}
