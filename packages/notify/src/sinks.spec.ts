import { readFileSync } from 'node:fs';
import { parseYaml, readBySchema } from '@hsmfleet/yaml-source';
import { describe, expect, it } from 'vitest';
import { NotifySinks, sinkNames, sinkProblems } from './sinks.ts';

process.env.NOTIFY_SPEC = 'a secret of a spec';

async function read(yaml: string) {
  const { source } = await parseYaml('serve.yml', yaml);
  return readBySchema(source, NotifySinks, 'PLAYBOOK_INVALID', 'notify');
}

async function problemsOf(yaml: string): Promise<[string, string][]> {
  const { value, problems } = await read(yaml);
  expect(problems).toEqual([]);
  return value === undefined ? [] : sinkProblems(value).map(({ path, message }) => [path.join('.'), message]);
}

const webhook = (line: string): string => `webhook: [{name: a, secret: !secret env:NOTIFY_SPEC, ${line}}]`;
const smtp = (line: string): string => `smtp: [{name: a, host: mail.example, from: a@b.example, to: [c@d.example], ${line}}]`;

describe('sinks in YAML', () => {
  it('are read as the guide writes them', async () => {
    const guide = readFileSync(new URL('../../../docs/guide/notifications.md', import.meta.url), 'utf8');
    const example = /```yaml\n(?<yaml>[^]*?)```/.exec(guide)?.groups?.['yaml'] ?? '';
    const { value, problems } = await read(example.replaceAll(/!secret file:\S+/g, '!secret env:NOTIFY_SPEC').replace(/^notify:\n/m, '').replaceAll(/^ {2}/gm, ''));
    expect(problems).toEqual([]);
    expect(value === undefined ? [] : sinkNames(value)).toEqual(['on-call', 'team', 'journal', 'archive']);
    expect(value === undefined ? [] : sinkProblems(value)).toEqual([]);
  });

  it('have defaults', async () => {
    const { value } = await read(`${webhook('url: https://chat.example/hook')}\n${smtp('tls: starttls')}\nfile: [{name: c, stdout: true}]`);
    expect(value?.webhook[0]).toMatchObject({ timeout: 10, interval: 60, give_up_after: 24 });
    expect(value?.smtp[0]).toMatchObject({ port: 587, tls: 'starttls', timeout: 30, interval: 60 });
    expect(value?.file[0]).toMatchObject({ interval: 0 });
    expect((await read('{}')).value).toEqual({ webhook: [], smtp: [], file: [] });
  });

  it.each([
    ['webhook: [{name: a, url: https://x.example, secret: plain}]', 'secret must be a !secret reference'],
    [`${webhook('url: https://x.example, colour: red')}`, '"colour" is not a key of an entry of webhook'],
    [smtp('password: plain'), 'password must be a !secret reference'],
    [smtp('tls: ssl'), 'tls must be one of starttls, implicit, none'],
    ['smtp: [{name: a, host: m.example, from: "a@b.example\\r\\nBcc: x@evil.example", to: [c@d.example]}]', 'from is not written as it should be'],
    ['file: [{name: "../x", stdout: true}]', 'name is not written as it should be'],
  ])('%s is refused', async (yaml, message) => {
    expect((await read(yaml)).problems.map((problem) => problem.message)).toContain(message);
  });

  it.each([
    [webhook('url: http://chat.example/hook'), 'webhook.0.url', 'url would post in the clear'],
    [webhook('url: ftp://chat.example/hook'), 'webhook.0.url', 'url must begin with https://'],
    [webhook('url: https://user:pw@chat.example/'), 'webhook.0.url', 'url holds a name or password'],
    [webhook('url: chat'), 'webhook.0.url', 'url is no address'],
    [smtp('tls: none'), 'smtp.0.tls', 'mail to mail.example would go in the clear'],
    [smtp('user: me'), 'smtp.0.user', 'user and password belong together'],
    ['file: [{name: a}]', 'file.0', 'a file sink needs path, or stdout: true'],
    ['file: [{name: a, path: x, stdout: true}]', 'file.0', 'a file sink has path or stdout: true, not both'],
    ['file: [{name: a, stdout: true}, {name: a, path: x}]', 'file.1.name', 'there are two sinks named "a"'],
  ])('%s: %s %s', async (yaml, path, message) => {
    expect(await problemsOf(yaml)).toEqual([[path, message]]);
  });

  it('may speak in the clear to this machine', async () => {
    for (const host of ['127.0.0.1', 'localhost', '[::1]']) expect(await problemsOf(webhook(`url: "http://${host}:8080/hook"`))).toEqual([]);
    expect(await problemsOf('smtp: [{name: a, host: localhost, tls: none, from: a@b.example, to: [c@d.example]}]')).toEqual([]);
    // a name that only looks like this machine is another one
    expect(await problemsOf(webhook('url: "http://127.0.0.1.evil.example/"'))).toHaveLength(1);
  });
});
