import type { Rendered, SourcePosition, Value } from '@hsmfleet/contract';
import type { Scope } from './scope.ts';

/** One `lookup('NAME', …)` or `query('NAME', …)`, its arguments rendered. */
export interface LookupCall {
  name: string;
  args: Rendered[];
  /** Named arguments, without `wantlist` and `errors`, which the template itself obeys. */
  options: Record<string, Rendered>;
  position: SourcePosition | undefined;
  /** The variables around the call, for lookups that render. */
  scope: Scope;
}

/** What lookups read: files, the environment, vaults of the control host. A {@link Scope} carries it there; on a host there is none. */
export interface Lookups {
  /**
   * The results, one for each thing that was asked for. Values of a vault are Secret.
   * @throws HsmfleetError FILE_MISSING when there is nothing to find, TEMPLATE_INVALID when there is no such lookup, or its arguments are wrong
   */
  call(lookup: LookupCall): Value[];
}
