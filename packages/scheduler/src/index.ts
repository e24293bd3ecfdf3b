export * from './model.ts';
export * from './scheduler.ts';
export { parseWhen, type When } from './when.ts';
