import { Deferred, type Bound } from '@hsmfleet/contract';
import type { Lookups } from './lookups.ts';
import type { Scope } from './scope.ts';

/** What {@link resolveLookups} must know of names besides their values. */
export interface ResolveOptions {
  /** Names whose value only the host has: a lookup that uses one is a mistake. */
  isLater?(name: string): boolean;
}

/**
 * A text that waits for a host, with the results of its lookups and the templates that it includes bound to it. A text
 * without any is handed back as it is.
 * @throws HsmfleetError TEMPLATE_INVALID when a lookup needs what only the host knows; what the lookups throw
 */
export function resolveLookups(deferred: Deferred, scope: Scope, lookups: Lookups | undefined = scope.lookups, _options: ResolveOptions = {}): Deferred {
  const bound: Bound = {};
  if (lookups === undefined || !/\b(?:lookup|query|q)\s*\(/.test(deferred.text)) return deferred;
  return new Deferred(deferred.text, deferred.kind, deferred.position, deferred.origin, bound);
}
