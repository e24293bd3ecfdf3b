import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { takeDatabaseUrls } from '@hsmfleet/store/location';
import { COMMANDS } from './commands.ts';
import { runProgram } from './program.ts';

// commands load some 2 MB of code: keeping it compiled saves a quarter of their start; without write permission it does nothing
enableCompileCache(fileURLToPath(new URL('../../../.cache/compile', import.meta.url)));

// passwords of databases are for this process alone: programs that it starts must not inherit them
takeDatabaseUrls();

// a reader that goes away (`hsmfleet … | head`) is no reason to fail, least of all in the middle of a run
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => { if (error.code !== 'EPIPE') throw error; });
}

const argv = process.argv.slice(2);
let exitCode: number;
try {
  exitCode = await start();
} catch (thrown) {
  const { printErrors } = await import('./print-errors.ts');
  exitCode = printErrors(thrown, { debug: argv.includes('--debug') });
}

// connections and agents of ssh may still hold the event loop; what was printed has to get out first
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((resolve) => { stream.write('', resolve); })));
process.exit(exitCode);

async function start(): Promise<number> {
  // asked by a shell that completes a line, with every press of a key: nothing else is loaded for it
  if (argv[0] === 'complete' && argv[1] === '--') {
    const { completeWords } = await import('./complete-words.ts');
    completeWords(COMMANDS, argv.slice(2));
    return 0;
  }
  return runProgram(COMMANDS, argv.length === 0 ? ['--help'] : argv);
}
