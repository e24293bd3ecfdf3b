import type { Value } from '@hsmfleet/contract';

const LAZY = Symbol('lazy');

/**
 * A mapping whose values are worked out when they are read, once each; they must hold nothing deferred. For large
 * mappings of which a template reads little, such as all variables of all hosts.
 */
export function lazyMapping(keys: Iterable<string>, read: (key: string) => Value): { [key: string]: Value } {
  const mapping: { [key: string]: Value } = {};
  for (const key of keys) {
    Object.defineProperty(mapping, key, {
      enumerable: true,
      configurable: true,
      get() {
        const value = read(key);
        Object.defineProperty(mapping, key, { enumerable: true, value });
        return value;
      },
    });
  }
  Object.defineProperty(mapping, LAZY, { value: true });
  return mapping;
}

/** True for what {@link lazyMapping} made. */
export function isLazy(value: object): boolean {
  return LAZY in value;
}
