// Beside the compiled page goes what the compiler leaves behind: HTML, styles, pictures, and the UI library.
import { copyFileSync, cpSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const path = url => fileURLToPath(new URL(url, import.meta.url))
cpSync(path('page'), path('../../dist/web/page'), {
  recursive: true,
  filter: name => !name.endsWith('.ts'),
})
for (const [library, name] of [
  ['preact', 'preact.js'],
  ['preact/hooks', 'preact-hooks.js'],
])
  copyFileSync(fileURLToPath(import.meta.resolve(library)), path(`../../dist/web/page/${name}`))
