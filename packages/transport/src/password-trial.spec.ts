import { expect, it } from 'vitest';
import { Secret } from '@hsmfleet/contract';
import { trialOf } from './password-trial.ts';

const tick = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

it('tries a password on one host until a host took it, then on all', async () => {
  const trial = trialOf(new Secret('right'));
  const entered: string[] = [];
  const hosts = ['a', 'b', 'c'].map((host) => trial.enter(host).then((why) => { entered.push(why ?? host); }));
  await tick();
  expect(entered).toEqual(['a']);
  trial.leave('a', 'granted');
  await Promise.all(hosts);
  expect(entered).toEqual(['a', 'b', 'c']);
});

it('holds a password back that three hosts refused and none took', async () => {
  const password = new Secret('wrong');
  for (const host of ['a', 'b', 'c']) {
    expect(await trialOf(password).enter(host)).toBeUndefined();
    trialOf(password).leave(host, 'refused');
  }
  expect(await trialOf(password).enter('d')).toBe('a, b, c refused the password, and no host took it');
  expect(await trialOf(new Secret('wrong')).enter('d')).toContain('a, b, c');
  expect(await trialOf(new Secret('another')).enter('d')).toBeUndefined();
});

it('goes on with other hosts when one answered something else', async () => {
  const trial = trialOf(new Secret('perhaps'));
  for (let n = 0; n < 10; n += 1) {
    expect(await trial.enter('a')).toBeUndefined();
    trial.leave('a', 'unclear');
  }
});
