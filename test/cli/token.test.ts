import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCrosspoint } from '../helpers/crosspoint.ts'

let folder: string
const config = (): string => join(folder, 'crosspoint.yaml')
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'token-'))
  await writeFile(
    config(),
    'access:\n  play: { jwt: true }\n  jwt: { secret: 0123456789-0123456789-0123456789, audience: us, issuer: me }\n',
  )
  await writeFile(join(folder, 'none.yaml'), 'access: { play: any }\n')
})
afterAll(() => rm(folder, { recursive: true }))

describe('crosspoint token', () => {
  test('signs what it is asked for', async () => {
    const { code, output } = await runCrosspoint([
      ...['token', '--config', config(), '--for', '2h', '--subject', 'anna'],
      ...['--play', 'live/**', 'open', '--publish', 'live/cam', '--api', 'read'],
    ])
    expect(code).toBe(0)
    const { iat = 0, exp = 0, ...claims } = decodeJwt(output.trim())
    expect(exp - iat).toBe(7200)
    expect(claims).toEqual({
      ...{ publish: ['live/cam'], play: ['live/**', 'open'], api: 'read' },
      ...{ aud: 'us', iss: 'me', sub: 'anna' },
    })
  })
  test.each([
    [['--play', 'live/%'], '"live/%" is not a pattern of stream names'],
    [[], 'a token allows to publish, to play, or to use the API'],
    [['--play', 'x', '--for', '2 hours'], '90 or 90s, 15m, 1.5h, 2d'],
    [['--play', 'x', '--api', 'root'], 'Allowed choices are read, write'],
  ])('%j is refused in one sentence', async (flags, sentence) => {
    const { code, output } = await runCrosspoint(['token', '--config', config(), ...flags])
    expect([code, output]).toEqual([2, expect.stringContaining(sentence)])
  })
  test('without a secret there is nothing to sign with', async () => {
    const { code, output } = await runCrosspoint([
      'token',
      '--config',
      join(folder, 'none.yaml'),
      '--play',
      'x',
    ])
    expect([code, output]).toEqual([2, expect.stringContaining('only with access.jwt.secret')])
  })
})
