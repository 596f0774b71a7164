import { afterAll, expect, test } from 'vitest'
import { launchChromium } from '../helpers/chromium.ts'
import { untilLive } from '../helpers/crosspoint.ts'
import { startProgram, stopPrograms, until } from '../helpers/program.ts'
import { doorsEnv, freeDoors, startRecipe } from '../helpers/recipe.ts'

afterAll(stopPrograms)

/** What OBS sends with the settings of the recipe: x264 in high profile, two seconds between key frames, AAC 48 kHz. */
const obs = (server: string, key: string) =>
  startProgram('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30'],
    ...[
      '-re',
      '-f',
      'lavfi',
      '-i',
      'sine=frequency=440:sample_rate=48000',
      '-c:v',
      'libx264',
      '-preset',
      'veryfast',
    ],
    ...[
      '-tune',
      'zerolatency',
      '-profile:v',
      'high',
      '-x264-params',
      'bframes=0:keyint=60:nal-hrd=cbr:force-cfr=1',
    ],
    ...['-b:v', '1500k', '-maxrate', '1500k', '-bufsize', '1500k', '-pix_fmt', 'yuv420p'],
    ...['-c:a', 'aac', '-b:a', '160k', '-ac', '2', '-f', 'flv', `${server}/${key}`],
  ])

test('obs-to-browser', async () => {
  const doors = await freeDoors()
  const recipe = startRecipe('obs-to-browser', [], doorsEnv(doors))
  await until(
    () => `it listens: ${recipe.output()}`,
    () => recipe.output().includes('{"doors":'),
  )
  const [, server, key] = /Server (\S+)\s+Stream Key (\S+)/.exec(recipe.output())!
  const [, address] = /Watch:\s+(\S+)/.exec(recipe.output())!
  obs(server!, key!)
  await untilLive(`http://${doors.http}`, 'live/obs')
  await using chromium = await launchChromium()
  const page = await chromium.open(address!)
  await page.locator('.status[data-tone="live"]').waitFor({ timeout: 20_000 })
  await until('a picture with sound', () =>
    page.evaluate(() => {
      const video = document.querySelector('#player') as HTMLVideoElement
      return video.videoWidth === 640 && (video.srcObject as MediaStream).getAudioTracks().length === 1
    }),
  )
  await recipe.stop()
  expect(await recipe.exited).toBe(0)
})
