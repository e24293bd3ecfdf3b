import { afterAll, describe } from 'vitest';
import { wholeSuite } from './testkit/suite/index.ts';
import { removeTestDatabases } from './testkit/test-store.ts';
import { whyNoPostgres } from './testkit/test-database.ts';

const missing = whyNoPostgres();
if (missing !== undefined) process.stderr.write(`the store is not tried on PostgreSQL: ${missing}\n`);

describe.skipIf(missing !== undefined)('a store in PostgreSQL', () => {
  afterAll(removeTestDatabases);
  wholeSuite('postgres');
});
