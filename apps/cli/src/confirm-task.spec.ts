import { describe, expect, it } from 'vitest';
import { confirmTasks, meaningOf } from './confirm-task.ts';

describe('confirming tasks', () => {
  it.each([['', 'no'], ['n', 'no'], ['nothing', 'no'], ['Y', 'yes'], [' yes ', 'yes'], ['c', 'continue'], ['Continue', 'continue']])('"%s" means %s', (answer, meaning) => {
    expect(meaningOf(answer)).toBe(meaning);
  });
  it.skipIf(process.stdin.isTTY)('is an error where nobody can be asked', () => {
    expect(() => confirmTasks()).toThrow('--step asks before each task, and standard input is no terminal');
  });
});
