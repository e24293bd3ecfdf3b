export * from './pin-file.ts';
