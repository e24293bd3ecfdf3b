/*
 * The schemas that a browser may need as values: nothing here, or below it, imports Node. The whole contract is in index.ts.
 */
export * from './error.ts';
export * from './inventory.ts';
export * from './benchmark.ts';
export * from './check.ts';
export * from './event.ts';
