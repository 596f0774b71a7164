import { createHmac, randomUUID } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import { publishTestSource, untilLive } from '../helpers/crosspoint.ts'
import { freePort, startProgram, stopPrograms, until } from '../helpers/program.ts'
import { doorsEnv, freeDoors, startRecipe } from '../helpers/recipe.ts'

afterAll(stopPrograms)

const secret = 'a secret for this test'

test('webhooks', async () => {
  const doors = await freeDoors()
  const receiver = `127.0.0.1:${await freePort()}`
  const recipe = startRecipe('webhooks', [], { ...doorsEnv(doors), RECEIVER: receiver, HOOK_SECRET: secret })
  await until(
    () => `it listens: ${recipe.output()}`,
    () => recipe.output().includes('{"doors":'),
    30_000,
  )
  expect(recipe.output()).toMatch(/ok +webhook +http:\/\/127\.0\.0\.1:\d+\/events +204/)
  expect(recipe.output()).toMatch(/ok +access hook .*204: let in/)

  // Without the word nobody publishes, and the receiver is told of it.
  const { rtmp, http } = doors
  expect(await publishTestSource({ url: `rtmp://${rtmp}/live/cam`, seconds: 5 }).exited).not.toBe(0)
  await until('the refusal', () =>
    /publish:refused live\/cam .*you did not say the word/.test(recipe.output()),
  )

  // With it: a life in order.
  const source = publishTestSource({ url: `rtmp://${rtmp}/live/cam?token=open-sesame` })
  await untilLive(`http://${http}`, 'live/cam')
  const player = startProgram('ffprobe', ['-v', 'error', '-rw_timeout', '5000000', `rtmp://${rtmp}/live/cam`])
  expect(await player.exited).toBe(0)
  await source.stop()
  await until(
    () => `the end: ${recipe.output()}`,
    () => /stream:closed live\/cam/.test(recipe.output()),
    20_000,
  )
  const types = [...recipe.output().matchAll(/^((?:stream|subscriber):\w+) live\/cam/gm)].map(
    ([, type]) => type,
  )
  expect(types).toEqual(['stream:ready', 'subscriber:joined', 'subscriber:left', 'stream:closed'])
  expect(recipe.output()).not.toContain(secret)

  // What the receiver takes, and what it does not.
  const body = JSON.stringify({ type: 'stream:ready', stream: 'live/fake' })
  const send = async (timestamp: number, id: string, signed = body, key = secret): Promise<number> => {
    const signature = createHmac('sha256', key).update(`${timestamp}.${signed}`).digest('hex')
    const headers = {
      'x-crosspoint-timestamp': String(timestamp),
      'x-crosspoint-signature': `sha256=${signature}`,
      'x-crosspoint-id': id,
    }
    return (await fetch(`http://${receiver}/events`, { method: 'POST', headers, body })).status
  }
  const now = Math.floor(Date.now() / 1000)
  const times = (): number => recipe.output().split('stream:ready live/fake').length - 1
  expect(await send(now, randomUUID(), body, 'another secret')).toBe(401)
  expect(await send(now, randomUUID(), `${body} `)).toBe(401)
  expect(await send(now - 301, randomUUID())).toBe(401)
  expect((await fetch(`http://${receiver}/events`, { method: 'POST', body })).status).toBe(401)
  expect(times()).toBe(0)
  const id = randomUUID()
  expect(await send(now, id)).toBe(204)
  expect(await send(now, id)).toBe(200)
  await until('it is printed', () => times() > 0)
  expect(times()).toBe(1)

  await recipe.stop()
  await expect(fetch(`http://${receiver}/events`)).rejects.toThrow()
})
