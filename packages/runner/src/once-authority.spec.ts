import { describe, expect, it } from 'vitest';
import { OnceAuthority } from './once-authority.ts';

const told = { outcome: 'changed' as const, ignored: false, result: { rc: 0 }, vars: {}, secrets: {} };

function setUp(batch: string[]) {
  const authority = new OnceAuthority(batch);
  const answers: string[] = [];
  const ask = (host: string, request = 't') => {
    authority.ask(host, request, (reply) => answers.push(`${host}: ${reply.run ? 'run' : (reply.told?.outcome ?? '')}`));
  };
  return { authority, answers, ask };
}

describe('what one host does for all', () => {
  it('is done by the first host, whichever comes first; the others wait for it', () => {
    const { authority, answers, ask } = setUp(['a', 'b', 'c']);
    ask('b');
    ask('a');
    expect(answers).toEqual(['a: run']);
    authority.tell('a', 't', told);
    ask('c');
    expect(answers).toEqual(['a: run', 'b: changed', 'c: changed']);
  });
  it('is done by the next one when the first ended before it came to it', () => {
    const { authority, answers, ask } = setUp(['a', 'b', 'c']);
    ask('c');
    authority.end('a');
    ask('b');
    expect(answers).toEqual(['b: run']);
  });
  it('is never done twice: a host that was lost in the middle of it fails it for all', () => {
    const { authority, answers, ask } = setUp(['a', 'b']);
    ask('b');
    ask('a');
    authority.end('a');
    expect(answers).toEqual(['a: run', 'b: failed']);
  });
  it('is asked again after a cut, with the same answer', () => {
    const { authority, answers, ask } = setUp(['a', 'b']);
    ask('a');
    ask('a');
    authority.tell('b', 't', { ...told, outcome: 'failed' });
    authority.tell('a', 't', told);
    ask('a');
    expect(answers).toEqual(['a: run', 'a: run', 'a: changed']);
  });
  it('keeps several questions apart', () => {
    const { authority, answers, ask } = setUp(['a', 'b']);
    ask('a', 'one');
    authority.tell('a', 'one', told);
    ask('b', 'one');
    ask('b', 'two');
    expect(answers).toEqual(['a: run', 'b: changed']);
  });
});
