import { describe, expect, test } from 'vitest'
import { mediaPolicyOf, transcodeSchema } from '../../../src/config/transcode.ts'

const parse = (input: unknown) => transcodeSchema.parse(input)

describe('the transcode section', () => {
  test('by default whatever is needed is transcoded, and B-frames are dropped where that harms nobody', () => {
    expect(mediaPolicyOf(parse({}), 'live/cam')).toEqual({ transcode: 'when-needed', bFrames: 'drop' })
    expect(parse({}).cores).toBeUndefined()
  })

  test('the first rule that fits a stream overrules what it names, and nothing else', () => {
    const config = parse({
      policy: 'audio',
      lockResolution: '1280x720',
      rules: [
        { match: 'live/vip', policy: 'when-needed', bFrames: 'transcode' },
        { match: 'live/**', policy: 'off' },
        { match: 'live/vip', bFrames: 'reject' },
      ],
    })
    const lockResolution = { width: 1280, height: 720 }
    expect(mediaPolicyOf(config, 'live/vip')).toEqual({
      ...{ transcode: 'when-needed', bFrames: 'transcode', lockResolution },
    })
    expect(mediaPolicyOf(config, 'live/cam')).toEqual({ transcode: 'off', bFrames: 'drop', lockResolution })
    expect(mediaPolicyOf(config, 'other')).toEqual({ transcode: 'audio', bFrames: 'drop', lockResolution })
  })

  test.for(['720p', '1280x', '1281x720', '0x0', '1280x99999', 'x720', '1280 x 720'])(
    '%s is no size',
    text => {
      const found = transcodeSchema.safeParse({ lockResolution: text })
      expect(found.error?.issues).toMatchObject([
        { path: ['lockResolution'], message: expect.stringContaining(text) },
      ])
    },
  )

  test.for([
    { policy: 'always' },
    { bFrames: 'keep' },
    { cores: 0 },
    { cores: -1 },
    { rules: [{ policy: 'off' }] },
    { rules: [{ match: 'a//b' }] },
    { rules: [{ match: 'a', policy: 'off', core: 1 }] },
  ])('%j is refused', input => {
    expect(transcodeSchema.safeParse(input).success).toBe(false)
  })
})
