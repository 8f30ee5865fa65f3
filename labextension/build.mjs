// Builds the views for anywidget: one script, nothing loaded from elsewhere.
import { build } from 'esbuild';

await build({
  entryPoints: { views: 'src/widget.ts' },
  outdir: '../k8s_notebook/widgets/static',
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2021',
  loader: { '.css': 'text' },
  legalComments: 'none',
  logLevel: 'info'
});
