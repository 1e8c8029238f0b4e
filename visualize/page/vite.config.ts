/** How the page is built: `npm run build` writes it to dist/visualize/page. */
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { styleSheet } from '../charts/style.ts';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const CHART_STYLE = 'virtual:chart-style.css';

/** The pictures contain their style, which a page may not take from inside them: it becomes part of the page's own. */
const chartStyle: Plugin = {
  name: 'chart-style',
  resolveId: (id) => (id === CHART_STYLE ? CHART_STYLE : null),
  load: (id) => (id === CHART_STYLE ? styleSheet : null),
};

/** Charts and replay are written for Node; these files replace the little that they use of it. */
const alias = {
  'node:url': at('./node/url.ts'),
  'node:crypto': at('./node/crypto.ts'),
};

export default defineConfig({
  root: at('.'),
  base: './',
  logLevel: 'warn',
  resolve: { alias },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [chartStyle],
  worker: { format: 'es' },
  build: {
    outDir: at('../../dist/visualize/page'),
    emptyOutDir: true,
    target: 'es2022',
    // Nothing may be inlined: scripts and styles come from our own files only (content-security-policy).
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
