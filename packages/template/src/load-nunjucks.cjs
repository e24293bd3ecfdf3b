/* eslint-disable @typescript-eslint/no-require-imports -- require is the only synchronous way to load on first use */
/*
 * CommonJS on purpose: `require` inside a function loads on first use, both unbundled and in the agent's bundle, and the
 * agent's start is measured in milliseconds. Only nunjucks' tokenizer, parser and nodes are taken: no loaders, no fs.
 */
exports.loadNunjucks = () => ({
  lexer: require('nunjucks/src/lexer.js'),
  parser: require('nunjucks/src/parser.js'),
  nodes: require('nunjucks/src/nodes.js'),
});
