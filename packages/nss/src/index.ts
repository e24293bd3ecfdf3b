export * from './pkcs11-txt.ts';
export * from './database.ts';
export * from './tool-result.ts';
