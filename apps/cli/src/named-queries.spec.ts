import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HsmfleetErrors } from '@hsmfleet/contract';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findNamedQuery, isQueryName, loadNamedQueries } from './named-queries.ts';

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'hsmfleet-queries-')); });
afterEach(() => { rmSync(folder, { recursive: true }); });
const write = (name: string, text: string): void => { writeFileSync(join(folder, name), text); };

describe('queries with names', () => {
  test('come with the program, each with a description, by name', async () => {
    const names = (await loadNamedQueries()).map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(names).toEqual(expect.arrayContaining(['expiring-certificates', 'weak-keys', 'writable-modules', 'duplicate-keys', 'moved-tokens', 'lost-pin-tries', 'hosts-never-seen']));
  });

  test('of a folder come over those', async () => {
    write('weak-keys.yml', 'description: our own floor\nsql: select host from keys where bits < 3072\n');
    write('ours.yaml', 'description: hosts of ours\nsql: |\n  select host\n  from hosts\n');
    expect(await findNamedQuery('weak-keys', [folder])).toEqual({ name: 'weak-keys', description: 'our own floor', sql: 'select host from keys where bits < 3072' });
    expect((await findNamedQuery('ours', [folder])).sql).toBe('select host\nfrom hosts');
  });

  test('that are wrong are told of all at once, at their places', async () => {
    write('a.yml', 'description: no statement here\n');
    write('b.yml', 'description: two mistakes\nsql: [1]\nsqll: select 1\n');
    write('C D.yml', 'description: a bad name\nsql: select 1\n');
    const thrown: unknown = await loadNamedQueries([folder]).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(HsmfleetErrors);
    const told = (thrown as HsmfleetErrors).errors.map(({ code, message, position }) => `${code} ${String(position?.line ?? '')} ${message.replace(folder, '')}`);
    expect(told).toEqual([
      expect.stringMatching(/^QUERY_INVALID {2}the file \/C D\.yml cannot be a query/), expect.stringMatching(/^QUERY_INVALID 1 .*sql/), expect.stringMatching(/^QUERY_INVALID [23] /), expect.stringMatching(/^QUERY_INVALID [23] /),
    ]);
  });

  test('that are not there are guessed', async () => {
    await expect(findNamedQuery('weak-kes')).rejects.toMatchObject({ code: 'USAGE', message: 'there is no query called "weak-kes"', hint: 'did you mean "weak-keys"?' });
    await expect(loadNamedQueries([join(folder, 'nowhere')])).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });

  test.each([['weak-keys', true], ['select 1', false], ['-', false], ['select', true], ['SELECT', false]])('%s: is that a name? %s', (word, expected) => {
    expect(isQueryName(word)).toBe(expected);
  });
});
