import { defineCommand } from '../command.ts';
import type { SignBenchmarkOptions } from '../run-sign-benchmark.ts';
import { MODULE_OPTIONS, PIN_OPTIONS, TOKEN_OPTIONS } from '../token-options.ts';

const [, MODULE_ENV] = MODULE_OPTIONS;
const WITHOUT_MODULE = TOKEN_OPTIONS.filter((option) => !MODULE_OPTIONS.includes(option));

/** `hsmfleet bench sign`: how fast keys of a token on this machine sign. */
export const benchSign = defineCommand<SignBenchmarkOptions>({
  name: 'bench sign',
  summary: 'measure how fast the keys of a token on this machine sign',
  description: 'Signatures per second of each key, in 1 to 8 sessions at the same time in one process, as the threads of a web server sign. With several modules the same keys are measured '
    + 'through each: one with a single lock for everything is no faster with more sessions. Refused while a web server uses the token. Points are stored.',
  arguments: [],
  options: [
    { flags: '-m, --module <path>', description: 'PKCS#11 library; may be repeated, to compare; $HSMFLEET_MODULE when absent', repeat: true },
    ...(MODULE_ENV === undefined ? [] : [MODULE_ENV]),
    ...WITHOUT_MODULE,
    ...PIN_OPTIONS,
    { flags: '--id <hex>', description: 'key with this ID; every private key when absent; may be repeated', repeat: true },
    { flags: '--sessions <list>', description: 'sessions at the same time, a point for each', default: '1,2,4,8' },
    { flags: '--seconds <n>', description: 'seconds of each point', default: '5' },
  ],
  examples: [
    'hsmfleet bench sign -m /usr/local/lib/libsc-hsm-pkcs11.so --pin-file pin',
    'hsmfleet bench sign -m /usr/local/lib/libsc-hsm-pkcs11.so -m /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so --id 03 --pin-file pin',
  ],
  async run({ options }) {
    const { runSignBenchmark } = await import('../run-sign-benchmark.ts');
    return runSignBenchmark(options);
  },
});
