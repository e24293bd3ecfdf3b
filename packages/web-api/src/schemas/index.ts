/*
 * Schemas and types of all that the API takes and answers. Nothing here imports Node: browsers use it.
 */
export * from './certificates.ts';
export * from './checks.ts';
export * from './failure.ts';
export * from './hosts.ts';
export * from './overview.ts';
export * from './query.ts';
export * from './runs.ts';
export * from './schedules.ts';
export * from './session.ts';
