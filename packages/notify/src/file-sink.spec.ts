import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, expect, test } from 'vitest';
import { createFileSink } from './file-sink.ts';
import { composeMessage } from './message.ts';
import { SAMPLE_CHANGES, change } from './testkit/sample-changes.ts';

const folder = mkdtempSync(join(tmpdir(), 'hsmfleet-notify-'));
afterAll(() => { rmSync(folder, { recursive: true }); });
const never = new AbortController().signal;
const message = composeMessage(SAMPLE_CHANGES);
const sink = (path: string) => createFileSink({ name: 'log', path, interval: 0, give_up_after: 24 });
const lines = (path: string): { id: string; message: string }[] => readFileSync(path, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { id: string; message: string });

test('each change is a line, appended to a file for its owner only', async () => {
  const path = join(folder, 'changes.ndjson');
  await sink(path).send(message, never);
  await sink(path).send(composeMessage([change({ key: 'another' })]), never);
  const written = lines(path);
  expect(written).toHaveLength(SAMPLE_CHANGES.length + 1);
  expect(written[0]).toMatchObject({ schema: 'hsmfleet.change/1', message: message.id, id: message.changes[0]?.id, kind: 'resolved', host: 'web09' });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('the mode of a file that is there already stays', async () => {
  const path = join(folder, 'shared.ndjson');
  appendFileSync(path, '');
  chmodSync(path, 0o640);
  await sink(path).send(message, never);
  expect(statSync(path).mode & 0o777).toBe(0o640);
});

test('a line that was cut off swallows no other', async () => {
  const path = join(folder, 'cut.ndjson');
  appendFileSync(path, '{"schema":"hsmfleet.cha');
  await sink(path).send(message, never);
  expect(readFileSync(path, 'utf8').split('\n')[0]).toBe('{"schema":"hsmfleet.cha');
  expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(SAMPLE_CHANGES.length + 1);
});

test('a link, a folder, a device and a place that is not there are refused', async () => {
  const target = join(folder, 'target');
  symlinkSync(target, join(folder, 'link'));
  await expect(sink(join(folder, 'link')).send(message, never)).rejects.toThrow(/cannot write: ELOOP/);
  expect(existsSync(target)).toBe(false);
  await expect(sink(folder).send(message, never)).rejects.toThrow(/cannot write: EISDIR/);
  await expect(sink('/dev/zero').send(message, never)).rejects.toThrow('/dev/zero is no regular file');
  await expect(sink(join(folder, 'no/such')).send(message, never)).rejects.toThrow(/cannot write: ENOENT/);
});

test('what a host says stays on its line and harmless to look at, and reads back as it was', async () => {
  const stdout = new PassThrough();
  const title = 'a\n\u001b[2J\u202e{"forged":true}\ud800';
  await createFileSink({ name: 'out', stdout: true, interval: 0, give_up_after: 24 }, stdout).send(composeMessage([change({ title })]), never);
  const text = String(stdout.read());
  expect(text).toMatch(/^[^\n]*\n$/);
  expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cs}\p{Bidi_Control}]/u);
  expect((JSON.parse(text) as { title: string }).title).toBe(title);
});
