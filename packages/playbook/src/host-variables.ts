import { Deferred, encodeValue, isDeferred, Secret, type Plan, type PlannedTask, type SecretTable, type Value } from '@hsmfleet/contract';
import { isLazy, referencesOf, type Lookups } from '@hsmfleet/template';
import { layersOf, type ExpandedPlay, type Frame, type Layer } from './expanded.ts';
import { FACT_NAMES, Variables } from './variables.ts';

const NOTHING: ReadonlySet<string> = new Set();
const EMPTY: Layer = {};

export interface HostVariablesOptions {
  play: ExpandedPlay;
  /** Below variables of the play, lowest first: what the play says of its connection, and the host's own. */
  host: readonly Layer[];
  /** Of the play, lowest first. */
  playLayers: readonly Layer[];
  magic: Layer;
  extra: Layer;
  lookups: Lookups;
  /** Names that only the host knows from the start on. */
  later: Iterable<string>;
  /** `hostvars` for the wire. */
  hostvars: () => Value;
  /** Takes down a mistake: a value that is encrypted and that nobody here can open. */
  fail: (thrown: unknown) => void;
}

const mergedLayers = new WeakMap<readonly Layer[], Layer>();
const sharedByPlay = new WeakMap<ExpandedPlay, { defaults: Layer; vars: Layer }>();
const bareFrames = new WeakMap<Frame, Frame>();

/** Layers as one: a name is looked up at every step of every host. */
function merged(layers: readonly Layer[]): Layer {
  let one = mergedLayers.get(layers);
  if (one === undefined) mergedLayers.set(layers, (one = Object.assign({}, ...layers) as Layer));
  return one;
}

/** What the roles of a play give to all of it. */
function sharedLayers(play: ExpandedPlay): { defaults: Layer; vars: Layer } {
  let shared = sharedByPlay.get(play);
  if (shared === undefined) {
    shared = { defaults: merged(play.roles.flatMap((role) => layersOf(role, 'defaults'))), vars: merged(play.roles.flatMap((role) => layersOf(role, 'vars'))) };
    sharedByPlay.set(play, shared);
  }
  return shared;
}

/** The frame without what belongs to single uses of it. */
function bare(frame: Frame): Frame {
  if (frame.bound.length === 0 && frame.top === EMPTY) return frame;
  let found = bareFrames.get(frame);
  if (found === undefined) bareFrames.set(frame, (found = { ...frame, bound: [], top: EMPTY }));
  return found;
}

/** Which names a step gives values to itself. */
export interface Own {
  vars: Layer;
  names: ReadonlySet<string>;
}

/** The variables of one host while a play is compiled for it, and what of them has to travel. */
export class HostVariables {
  readonly secrets: SecretTable;
  readonly #given: HostVariablesOptions;
  readonly #later: Set<string>;
  /** What `include_vars` gave for certain. */
  readonly #included: Record<string, Value> = {};
  readonly #playDefaults: Layer;
  readonly #playVars: Layer;
  readonly #playLayers: Layer;
  #cache = new Map<Frame, Variables>();
  /** Names that the host may have to look up, by scope. */
  readonly #needed = new Map<string, { frame: Frame; names: Set<string> }>();

  constructor(options: HostVariablesOptions, secrets: SecretTable) {
    this.#given = options;
    this.secrets = secrets;
    this.#later = new Set([...FACT_NAMES, ...options.later]);
    const shared = sharedLayers(options.play);
    this.#playDefaults = shared.defaults;
    this.#playVars = shared.vars;
    this.#playLayers = merged(options.playLayers);
  }

  /** Names that tasks registered or set so far. */
  laterNames(): string[] {
    return [...this.#later].filter((name) => !FACT_NAMES.has(name));
  }

  /** From here on only the host knows these. */
  addLater(names: Iterable<string>): void {
    const before = this.#later.size;
    for (const name of names) this.#later.add(name);
    if (this.#later.size !== before) this.#cache = new Map();
  }

  /** From here on these have values that every later step sees. */
  include(values: Layer): void {
    Object.assign(this.#included, values);
    this.#cache = new Map();
  }

  /** What a step sees. @param extraTop values above all of the step's own, for an item that is known */
  at(frame: Frame, own: Own = { vars: EMPTY, names: NOTHING }, extraTop: Layer = EMPTY): Variables {
    const plain = own.names.size === 0 && frame.bound.length === 0 && Object.keys(own.vars).length === 0 && extraTop === EMPTY;
    const known = plain ? this.#cache.get(frame) : undefined;
    if (known !== undefined) return known;
    const { host, magic, extra, lookups } = this.#given;
    const names = frame.bound.length === 0 ? own.names : new Set([...frame.bound, ...own.names]);
    const variables = new Variables({
      layers: [this.#playDefaults, merged(frame.defaults), ...host, this.#playLayers, this.#playVars, merged(frame.roleVars), own.vars, this.#included, magic, frame.magic, extraTop],
      later: this.#later, own: names, top: frame.top, extra, lookups,
    });
    if (plain) this.#cache.set(frame, variables);
    return variables;
  }

  /** A value as it travels to the host; every name in it that the host may look up is noted, or left to the step itself. */
  encode(value: Value, frame: Frame, own: Own, used: Set<string>): unknown {
    this.#collect(value, frame, own, used);
    return this.#encoded(value);
  }

  /** The step's own variables and those above what tasks register: those of them that something may name. */
  surroundings(frame: Frame, own: Own, used: Set<string>): Pick<PlannedTask, 'vars' | 'top' | 'scope'> {
    const variables = this.at(frame, own);
    const vars: Record<string, unknown> = {};
    const top: Record<string, unknown> = {};
    // what they refer to in turn is added while they are encoded
    for (const name of used) {
      const above = Object.hasOwn(frame.top, name);
      const value = above ? frame.top[name] : own.vars[name];
      if (value === undefined) continue;
      // a mistake in a variable is one only where it is used
      const known = variables.prepare(value, NOTHING, () => undefined);
      (above ? top : vars)[name] = this.encode(known, frame, own, used);
    }
    return {
      ...(Object.keys(vars).length === 0 ? {} : { vars }),
      ...(Object.keys(top).length === 0 ? {} : { top }),
      ...(frame.scope === undefined || used.size === 0 ? {} : { scope: frame.scope }),
    };
  }

  #collect(value: Value, frame: Frame, own: Own, used: Set<string>): void {
    if (value instanceof Deferred) {
      const { required, optional } = referencesOf(value);
      for (const name of required) this.#need(name, frame, own, used);
      for (const name of optional) this.#need(name, frame, own, used);
    } else if (value !== null && typeof value === 'object' && !(value instanceof Secret) && !isLazy(value)) {
      for (const item of Object.values(value)) this.#collect(item as Value, frame, own, used);
    }
  }

  #need(name: string, frame: Frame, own: Own, used: Set<string>): void {
    if (used.has(name)) return;
    used.add(name);
    if (own.names.has(name) || frame.bound.includes(name)) return;
    if (!Object.hasOwn(this.#given.extra, name) && (Object.hasOwn(frame.top, name) || Object.hasOwn(own.vars, name))) return;
    const key = frame.scope ?? '';
    let needed = this.#needed.get(key);
    if (needed === undefined) this.#needed.set(key, (needed = { frame, names: new Set() }));
    needed.names.add(name);
    const inner = this.at(bare(frame)).lookup(name);
    if (inner !== undefined) this.#collect(inner, frame, own, used);
  }

  /** Values of the needed names that the control host knows, those that differ by role, and which of them come from -e. */
  shipped(): Pick<Plan, 'vars' | 'extraVars' | 'scopes'> {
    const { extra, play } = this.#given;
    const all = new Set([...this.#needed.values()].flatMap(({ names }) => [...names]));
    const vars = this.#values(all, play.base);
    const scopes: Record<string, Record<string, unknown>> = {};
    for (const [key, { frame, names }] of this.#needed) {
      if (key === '') continue;
      const own = this.#values(names, frame);
      const differing = Object.entries(own).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(vars[name]));
      if (differing.length > 0) scopes[key] = Object.fromEntries(differing);
    }
    const extraVars = Object.keys(vars).filter((name) => Object.hasOwn(extra, name));
    return { vars, ...(Object.keys(scopes).length === 0 ? {} : { scopes }), ...(extraVars.length === 0 ? {} : { extraVars }) };
  }

  #values(names: ReadonlySet<string>, frame: Frame): Record<string, unknown> {
    const { extra, hostvars } = this.#given;
    const variables = this.at(bare(frame));
    const values: Record<string, unknown> = {};
    for (const name of [...names].sort()) {
      // facts are the host's own
      if (FACT_NAMES.has(name) && !Object.hasOwn(extra, name)) continue;
      const value = name === 'hostvars' ? hostvars() : variables.lookup(name);
      if (value === undefined) continue;
      let broken = false;
      const known = isDeferred(value)
        ? (variables.prepare({ [name]: value }, NOTHING, () => { broken = true; }) as Record<string, Value>)[name]
        : value;
      // what is wrong in a variable is told where it is used
      const shipped = broken ? value : known;
      if (shipped !== undefined) values[name] = this.#encoded(shipped);
    }
    return values;
  }

  #encoded(value: Value): unknown {
    try {
      return encodeValue(value, this.secrets);
    } catch (thrown) {
      this.#given.fail(thrown);
      return null;
    }
  }
}
