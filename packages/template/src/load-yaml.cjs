/* eslint-disable @typescript-eslint/no-require-imports -- require is the only synchronous way to load on first use */
/* CommonJS for the same reason as load-nunjucks.cjs: most runs parse no YAML in their templates. */
exports.loadYaml = () => require('yaml');
