/** Records a film into a file, tag by tag, and says after each how many are in the file. To be killed. */
import { readFileSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { openFlvFile } from '../../src/record/flv-file.ts'
import { parseFlv } from './flv.ts'

const [film = '', path = ''] = process.argv.slice(2)
const { tags } = parseFlv(readFileSync(film))
const file = await openFlvFile({ path, onFailure: error => writeSync(2, `${error.message}\n`) })
let written = 0
for (const [number, tag] of tags.entries()) {
  file.write(tag)
  await sleep(5)
  if (file.backlog === 0) written = number + 1
  writeSync(1, `${written}\n`)
}
