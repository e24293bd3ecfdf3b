export * from './model.ts';
export * from './read-drift.ts';
