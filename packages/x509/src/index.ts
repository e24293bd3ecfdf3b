export * from './certificate.ts';
export * from './public-key.ts';
