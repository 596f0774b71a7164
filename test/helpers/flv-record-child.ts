/** Records a film into a file, tag by tag, and says the number of each tag once it was handed over. To be killed. */
import { readFileSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { openFlvFile } from '../../src/record/flv-file.ts'
import { parseFlv } from './flv.ts'

const [film = '', path = ''] = process.argv.slice(2)
const { tags } = parseFlv(readFileSync(film))
const file = await openFlvFile({ path, onFailure: error => writeSync(2, `${error.message}\n`) })
for (const [number, tag] of tags.entries()) {
  file.write(tag)
  writeSync(1, `${number + 1}\n`)
  await sleep(5)
}
