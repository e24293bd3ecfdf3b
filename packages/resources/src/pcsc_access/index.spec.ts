import { readCases, runCase } from '@hsmfleet/resource/testkit';
import { expect, test } from 'vitest';
import { resource } from './index.ts';
import { polkitKind, renderAccess } from './polkit.ts';

test.each(readCases(import.meta.url))('$title', (planCase) => {
  expect(runCase(resource, planCase)).toEqual(planCase.expect);
});

test('which files a polkit reads', () => {
  expect(['pkaction version 0.105\n', 'pkaction version 0.106', 'pkaction version 0.120', 'pkaction version 122', 'pkaction version 126', ''].map(polkitKind))
    .toEqual(['pkla', 'rules', 'rules', 'rules', 'rules', 'rules']);
});

test('the rule lets exactly this user do exactly these two things', () => {
  const { path, text } = renderAccess('rules', 'www-data');
  expect(path).toBe('/etc/polkit-1/rules.d/60-hsmfleet-pcsc-www-data.rules');
  type Rule = (action: { id: string }, subject: { user: string }) => string | undefined;
  const rules: Rule[] = [];
  // polkit runs the text with a `polkit` object in scope, and so does this
  new Function('polkit', text)({ addRule: (rule: Rule) => rules.push(rule), Result: { YES: 'yes' } });
  const ask = (id: string, user: string) => rules.map((rule) => rule({ id }, { user }));
  expect(ask('org.debian.pcsc-lite.access_pcsc', 'www-data')).toEqual(['yes']);
  expect(ask('org.debian.pcsc-lite.access_card', 'www-data')).toEqual(['yes']);
  expect(ask('org.debian.pcsc-lite.access_card', 'nobody')).toEqual([undefined]);
  expect(ask('org.freedesktop.login1.reboot', 'www-data')).toEqual([undefined]);
  expect(renderAccess('pkla', 'apache').text).toContain('Identity=unix-user:apache\nAction=org.debian.pcsc-lite.access_pcsc;org.debian.pcsc-lite.access_card\n');
});
