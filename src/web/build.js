// Beside the compiled page goes what the compiler leaves behind: HTML, styles, pictures.
import { cpSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = path => fileURLToPath(new URL(path, import.meta.url))
cpSync(folder('page'), folder('../../dist/web/page'), {
  recursive: true,
  filter: path => !path.endsWith('.ts'),
})
