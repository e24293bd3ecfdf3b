import type { Value } from '@hsmfleet/contract';
import type { Lookups } from './lookups.ts';

/** Where names are looked up. Values may hold Deferred text: it is rendered when it is used, cycles are an error. */
export interface Scope {
  lookup(name: string): Value | undefined;
  /** What `lookup('file', …)` and the like read. Absent on a host: there only what was bound before is known. */
  readonly lookups?: Lookups | undefined;
}

/** A scope of plain records; later layers win. */
export function scopeOf(...layers: Record<string, Value>[]): Scope {
  return {
    lookup(name) {
      for (let index = layers.length - 1; index >= 0; index -= 1) {
        const layer = layers[index];
        if (layer !== undefined && Object.hasOwn(layer, name)) return layer[name];
      }
      return undefined;
    },
  };
}
