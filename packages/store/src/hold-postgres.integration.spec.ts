import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdStore } from './hold-store.ts';
import { createTestDatabase, onTestServer, testServerUrl, whyNoPostgres, type TestDatabase } from './testkit/test-database.ts';

const reason = whyNoPostgres();
const holder = { user: 'anna@desk', pid: 4711, since: '2026-03-01T00:00:00.000Z', file: '/etc/hsmfleet/serve.yml' };

describe.skipIf(reason !== undefined)(`a hold on PostgreSQL${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let database: TestDatabase;
  beforeAll(async () => { database = await createTestDatabase('hold'); });
  afterAll(async () => { await database.drop(); });

  it('is had by one, whom others are told', async () => {
    const hold = await holdStore(database.url, holder);
    const refused: unknown = await holdStore(database.url, { ...holder, user: 'otto@desk', pid: 4712 }).catch((thrown: unknown) => thrown);
    expect((refused as Error).message).toMatch(/^the schedules of the store postgres\S+ are run by anna@desk already \(process 4711, since \d{4}-\d\d-\d\dT[\d:.]+Z\)$/);
    expect((refused as Error).message).not.toContain(new URL(database.url).password);
    await hold.release();
    await (await holdStore(database.url, holder)).release();
  });

  it('that is lost is told of, and free for others', async () => {
    const hold = await holdStore(database.url, holder);
    await onTestServer(testServerUrl(), `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database.name}'`);
    await hold.lost;
    await (await holdStore(database.url, holder)).release();
  });
});
