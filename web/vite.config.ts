// How the page is built: two hashed files and index.html, nothing inline, nothing from elsewhere.
// SPDX-License-Identifier: Apache-2.0
import { defineConfig, loadEnv } from 'vite';

const SERVER = loadEnv('', '.', 'DOCMIND_')['DOCMIND_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  // Relative, so that the page works below a path of a proxy as well.
  base: './',
  build: {
    target: ['chrome123', 'firefox121', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  // npm run dev: the page from here, the API from a running server or the mock.
  server: { proxy: { '/v1': SERVER, '/health': SERVER } },
});
