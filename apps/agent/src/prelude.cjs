/*
 * The agent's first lines, in a JavaScript that any Node understands: a Node that is too old says so in the words of the
 * start command and leaves, so that the control host sends a runtime. Then the agent itself is loaded, with the compiled
 * code that an earlier run kept beside it: compiling half a megabyte takes longer than a small run.
 */
/* eslint-disable @typescript-eslint/no-require-imports, @typescript-eslint/no-unused-vars -- an old Node knows neither import nor a catch without a name */
'use strict';
var fs = require('fs');
var vm = require('vm');

/** Bytes before the compiled code in its file: text, filled up with blanks. */
var HEADER = 4096;
var PROGRAM = __dirname + '/main.cjs';
var COMPILED = __dirname + '/compiled';

var major = parseInt(process.versions.node, 10);
if (major < 20) {
  var musl = fs.readdirSync('/lib').some(function (name) { return name.indexOf('ld-musl-') === 0; });
  process.stdout.write('hsmfleet-missing runtime ' + process.arch + ' ' + (musl ? 'musl' : 'glibc') + '\n');
  process.exitCode = 87;
} else {
  load();
}

function load() {
  var kept = readCompiled();
  // the bundle is plain ASCII, which is read as Latin-1 fastest
  var source = '(function (exports, require, module, __filename, __dirname, keepCompiled) {' + fs.readFileSync(PROGRAM, 'latin1') + '\n})';
  var script = new vm.Script(source, { filename: PROGRAM, cachedData: kept.code });
  if (script.cachedDataRejected) kept = { parts: [] };
  script.runInThisContext()(exports, require, module, PROGRAM, __dirname, function (parts) { keep(script, kept.parts, parts); });
}

/** The kept code and the names of the parts that had run when it was kept; nothing when it is of another Node. */
function readCompiled() {
  try {
    var bytes = fs.readFileSync(COMPILED);
    var header = JSON.parse(bytes.toString('utf8', 0, HEADER));
    if (header.node === nodeIdentity() && header.size === bytes.length) return { parts: header.parts, code: bytes.subarray(HEADER) };
  } catch (error) {
    // none is kept yet
  }
  return { parts: [] };
}

/**
 * Keeps the code that is compiled by now, when parts of the program have run that were not in what is kept. V8 checks
 * version, flags and length by itself but no contents: the file gets its name only once it is safe on the disk. Without
 * permission to write, nothing is kept.
 */
function keep(script, known, parts) {
  if (parts.every(function (part) { return known.indexOf(part) >= 0; })) return;
  var draft = COMPILED + '.' + process.pid;
  try {
    var code = script.createCachedData();
    var all = known.concat(parts.filter(function (part) { return known.indexOf(part) < 0; }));
    var header = JSON.stringify({ node: nodeIdentity(), size: HEADER + code.length, parts: all });
    var file = fs.openSync(draft, 'wx', 384);
    try {
      fs.writeFileSync(file, Buffer.concat([Buffer.from(header.padEnd(HEADER)), code]));
      fs.fsyncSync(file);
    } finally {
      fs.closeSync(file);
    }
    fs.renameSync(draft, COMPILED);
  } catch (error) {
    fs.rmSync(draft, { force: true });
  }
}

/** A Node that was replaced by another build of the same version is another Node. */
function nodeIdentity() {
  var stat = fs.statSync(process.execPath);
  return [process.version, process.arch, stat.size, stat.mtimeMs].join(' ');
}
