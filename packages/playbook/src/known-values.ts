import { Deferred, HsmfleetError, type Value } from '@hsmfleet/contract';
import type { HostEntry } from '@hsmfleet/hosts';
import { renderValue, type Lookups } from '@hsmfleet/template';
import type { Frame, Layer } from './expanded.ts';
import { factsOfNoPlay, type HostKnowledge } from './host-knowledge.ts';
import type { PlaySource } from './source.ts';
import { FACT_NAMES, Variables } from './variables.ts';

interface KnownOptions {
  frame: Frame;
  vars: Layer;
  /** Names that tasks before may have given values to. */
  registered: ReadonlySet<string>;
  loop: { items: Value; name: string } | undefined;
  entries: readonly HostEntry[];
  varsOf(host: HostEntry): Layer[];
  play: PlaySource;
  /** Absent: there are no hosts, and their magic variables count as unknown. */
  knowledge: HostKnowledge | undefined;
  extra: Layer;
  lookups: Lookups | undefined;
}

/** What the hosts of a play make of a name, as far as that is known on the control host; `all`: for every host, and every item. */
export function knownValues(value: Value, options: KnownOptions): { values: Value[]; all: boolean } {
  const { frame, vars, loop, play } = options;
  const values = new Set<Value>();
  let all = true;
  for (const host of options.entries) {
    const variables = new Variables({
      layers: [...frame.defaults, host.vars, ...options.varsOf(host), ...frame.roleVars, vars, options.knowledge?.magic(host, factsOfNoPlay(play.folder)) ?? {}, frame.magic],
      later: new Set([...FACT_NAMES, ...options.registered]),
      own: new Set(frame.bound), top: frame.top, extra: options.extra, lookups: options.lookups,
    });
    const items = loop === undefined ? [undefined] : itemsOf(loop.items, variables);
    if (items === undefined) {
      all = false;
      continue;
    }
    for (const item of items) {
      const found = valueOf(value, variables, loop?.name, item);
      if (found === undefined) all = false;
      else values.add(found);
    }
  }
  return { values: [...values], all };
}

function itemsOf(items: Value, variables: Variables): Value[] | undefined {
  let failed = false;
  const known = variables.prepare(items, new Set(), () => { failed = true; });
  if (failed || known instanceof Deferred) return undefined;
  const list = Array.isArray(known) ? known.flat(1) : known !== null && typeof known === 'object' ? Object.entries(known).map(([key, value]) => ({ key, value: value as Value })) : [known];
  return list.some((item) => item instanceof Deferred) ? undefined : list;
}

/** Undefined when only the host knows it, or when it is wrong: compiling for the host tells that. */
function valueOf(value: Value, variables: Variables, name: string | undefined, item: Value | undefined): Value | undefined {
  if (!(value instanceof Deferred)) return value;
  try {
    if (variables.laterNames(value).some((each) => each !== name)) return undefined;
    return renderValue(value, { lookup: (wanted) => (wanted === name && item !== undefined ? item : variables.lookup(wanted)), lookups: variables.scope.lookups });
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) return undefined;
    throw thrown;
  }
}
