import { defineConfig } from 'vite';

/** Where `vite` finds the server while pages are worked on: `HSMFLEET_SERVER=http://127.0.0.1:PORT vite`. */
const server = process.env['HSMFLEET_SERVER'] ?? 'http://127.0.0.1:8420';

/** Everything ends up in files of its own: the server's content security policy allows nothing inline. */
export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: ['chrome123', 'firefox128', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: { proxy: { '/api': server } },
});
