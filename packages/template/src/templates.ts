import type { Deferred, SourcePosition } from '@hsmfleet/contract';

/** Finds the templates that a template includes, imports or extends. */
export interface Templates {
  /**
   * The text with the place where it starts; undefined when there is none of that name.
   * @param from the file of the template that asks
   */
  load(name: string, from: SourcePosition | undefined): Deferred | undefined;
}
