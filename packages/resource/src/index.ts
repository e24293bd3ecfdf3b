export * from './host.ts';
export * from './step.ts';
export * from './resource.ts';
export * from './schema.ts';
export * from './write-host.ts';
