import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

// Where the API runs while `vite` serves the page for development.
const api = process.env.QYRAN_API ?? 'http://127.0.0.1:8099';

/** Writes the licences of what is in the bundle beside it. */
function licences(): Plugin {
  return {
    name: 'licences',
    generateBundle(_options, bundle) {
      const packages = new Set<string>(['@fontsource-variable/inter']);
      for (const part of Object.values(bundle)) {
        if (part.type !== 'chunk') continue;
        for (const id of part.moduleIds) {
          const found = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id.replaceAll('\\', '/'));
          if (found?.[1]) packages.add(found[1]);
        }
      }
      const texts = [...packages].sort().map((name) => {
        const folder = join(import.meta.dirname, 'node_modules', name);
        const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
        const file = existsSync(folder) && readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
        const text = file ? readFileSync(join(folder, file), 'utf8') : '';
        return `${name} ${about.version} (${about.license})\n\n${text.trim()}\n`;
      });
      this.emitFile({
        type: 'asset',
        fileName: 'licences.txt',
        source: `The page contains these works of others.\n\n${texts.join(`\n${'-'.repeat(78)}\n\n`)}`,
      });
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [svelte(), licences()],
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    outDir: 'dist',
    rollupOptions: { input: ['index.html', 'driver.html'] },
    // No inlined assets: the content security policy allows data: for images only.
    assetsInlineLimit: 0,
    // maplibre-gl alone is bigger than the default warning limit.
    chunkSizeWarningLimit: 1600,
    modulePreload: { polyfill: false },
  },
  server: { host: '127.0.0.1', proxy: { '/api': api } },
  test: { environment: 'node', include: ['tests/**/*.test.ts'] },
});
