import { defineConfig } from 'vite';

// The server answers / with index.html and /playground/… with the rest of dist. Nothing is loaded from elsewhere.
export default defineConfig({
  base: '/playground/',
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 8000,
    rolldownOptions: { onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning) },
  },
});
