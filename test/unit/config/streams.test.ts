import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../../src/config/config.ts'
import { continuityOf } from '../../../src/config/streams.ts'

const rulesFor = (streams: object, name: string) => continuityOf(parseConfig({ streams }).streams, name)

describe('what becomes of readers when publishers come and go', () => {
  test('by default a lost publisher is waited for 10 s, and a silent one replaced after 2 s', () => {
    expect(rulesFor({}, 'live/cam')).toEqual({
      graceMs: 10_000,
      graceOnUnpublish: false,
      takeOverAfterMs: 2_000,
    })
  })

  test('the first rule that fits gives what it names, the rest is as for all', () => {
    const streams = {
      graceMs: 5_000,
      rules: [
        { match: 'live/main', graceMs: 60_000, graceOnUnpublish: true },
        { match: 'live/*', graceMs: 0 },
      ],
    }
    expect(rulesFor(streams, 'live/main')).toMatchObject({ graceMs: 60_000, graceOnUnpublish: true })
    expect(rulesFor(streams, 'live/other')).toMatchObject({ graceMs: 0, graceOnUnpublish: false })
    expect(rulesFor(streams, 'show')).toMatchObject({ graceMs: 5_000, takeOverAfterMs: 2_000 })
  })

  test.each([
    [{ grace: 5 }, 'unknown key streams.grace: did you mean graceMs?'],
    [{ graceMs: -1 }, 'streams.graceMs'],
    [{ rules: [{ match: '/etc/../x', graceMs: 1 }] }, 'streams.rules.0.match: is not a pattern'],
    [{ rules: [{ graceMs: 1 }] }, 'streams.rules.0.match'],
    [{ rules: [{ match: '**', gracems: 1 }] }, 'unknown key streams.rules.0.gracems: did you mean graceMs?'],
  ])('%j is refused by name', (streams, said) => {
    expect(() => parseConfig({ streams })).toThrow(
      expect.objectContaining({ code: 'bad-config', message: expect.stringContaining(said) }),
    )
  })
})
