export { createTestDatabase, testServerUrl, whyNoPostgres, type TestDatabase } from './test-database.ts';
export { openTestStore, removeTestDatabases, type StoreKind, type TestStore } from './test-store.ts';
export { finished, sampleReport, sampleRun, stamp } from './samples.ts';
export { sampleCheck, sampleResult } from './checks.ts';
