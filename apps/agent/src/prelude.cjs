/*
 * The agent's first lines, in a JavaScript that any Node understands: a Node that is too old says so in the words of the
 * start command and leaves, so that the control host sends a runtime.
 */
/* eslint-disable @typescript-eslint/no-require-imports -- an old Node knows nothing else */
'use strict';
var major = parseInt(process.versions.node, 10);
if (major < 20) {
  var musl = require('fs').readdirSync('/lib').some(function (name) { return name.indexOf('ld-musl-') === 0; });
  process.stdout.write('hsmfleet-missing runtime ' + process.arch + ' ' + (musl ? 'musl' : 'glibc') + '\n');
  process.exitCode = 87;
} else {
  require('./main.cjs');
}
