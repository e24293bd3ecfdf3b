import { HsmfleetError } from '@hsmfleet/contract';
import { defineCommand } from '../command.ts';

interface ServeTokenOptions {
  role: 'viewer' | 'operator';
}

/** `hsmfleet serve-token`: lets somebody into the dashboard and the API. */
export const serveToken = defineCommand<ServeTokenOptions>({
  name: 'serve-token',
  summary: 'make a token with which somebody may use the dashboard and the API',
  description: 'The token is printed once, to standard output, and kept nowhere. What belongs into the file of the server, its hash, goes to standard error.',
  arguments: [{ name: '<name>', description: 'who it is for: lower-case letters, digits, - and _' }],
  options: [{ flags: '--role <role>', description: 'viewers look at everything; operators may also start schedules', default: 'viewer', choices: ['viewer', 'operator'] }],
  examples: ['hsmfleet serve-token anna --role operator', 'hsmfleet serve-token prometheus > /etc/prometheus/hsmfleet.token'],
  async run({ args: [name = ''], options: { role } }) {
    const { createToken, USER_NAME } = await import('@hsmfleet/web-api');
    if (!USER_NAME.test(name)) throw new HsmfleetError('USAGE', 'that is no name of a user', { hint: 'lower-case letters, digits, - and _, beginning with a letter' });
    const { token, hash } = await createToken(name);
    process.stdout.write(`${token}\n`);
    process.stderr.write(`for "users:" in the file of the server:\n  - { name: ${name}, role: ${role}, token: "${hash}" }\n`);
    return 0;
  },
});
