import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../../src/config/config.ts'
import { continuityOf, slateOf } from '../../../src/config/streams.ts'

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

  test('a slate for all, for some, or for all but some', () => {
    const slateFor = (streams: object, name: string) => slateOf(parseConfig({ streams }).streams, name)
    expect(slateFor({}, 'live/cam')).toBeUndefined()
    expect(slateFor({ slate: 'back-soon.flv' }, 'live/cam')).toBe('back-soon.flv')
    const rules = [
      { match: 'quiet', slate: null },
      { match: 'live/*', slate: 'b.flv' },
      { match: 'x', graceMs: 1 },
    ]
    const streams = { slate: 'a.flv', rules }
    expect(['quiet', 'live/cam', 'x', 'y'].map(name => slateFor(streams, name))).toEqual([
      undefined,
      'b.flv',
      'a.flv',
      'a.flv',
    ])
  })

  test.each([
    [{ slate: 'picture.png' }, 'streams.slate: is not the name of an FLV file'],
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
