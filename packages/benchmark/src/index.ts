export * from './load.ts';
export * from './matrix.ts';
export * from './siege.ts';
export * from './measure-site.ts';
