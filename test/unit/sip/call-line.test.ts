/** What one line of a call tells of itself. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { CallLine } from '../../../src/adapters/sip/calls/call-line.ts'
import { answerOffer } from '../../../src/adapters/sip/offer-answer/answer-offer.ts'
import { createPacedAudio } from '../../../src/rtp-session/plain/paced-audio.ts'
import type { RtpPorts } from '../../../src/rtp-session/plain/types.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { localMedia } from '../../helpers/offer-answer.ts'
import { openTestEndpoint } from '../../helpers/rtp-endpoint.ts'
import { rtpPacket } from '../../helpers/voice.ts'

let ports: RtpPorts | undefined
afterEach(() => ports?.close(''))

test('what did not leave is told by reason: damaged sound, too much at once, nowhere to go', () => {
  const text = readFileSync(join(import.meta.dirname, '../../fixtures/sdp/phones/baresip.sdp'), 'utf8')
  const result = answerOffer(text, localMedia({ signallingFrom: '198.51.100.88', video: undefined }))
  if (result.outcome === 'refused') throw new Error(result.detail)
  const clock = new ManualClock()
  const { endpoint, ports: opened } = openTestEndpoint({}, clock)
  ports = opened
  const line = new CallLine({
    kind: 'audio',
    endpoint,
    createPacedAudio: (send, format) => createPacedAudio(send, format, clock),
  })
  const agreed = result.lines.find(({ kind }) => kind === 'audio')!
  const pcmu = { ...agreed.codec, id: 'pcmu' as const, clockRate: 8000, channels: 1 as const }
  const nowhere = { ...agreed.remote, address: undefined, port: 0 }
  line.adopt({ ...agreed, codec: pcmu, remote: nowhere }, 'off', '198.51.100.88')
  line.play(rtpPacket(new Uint8Array(0), 0, 0, clock.now()))
  for (let i = 1; i <= 40; i++) line.play(rtpPacket(new Uint8Array(160).fill(i), i, i * 160, clock.now()))
  const { dropped } = line.info('off')!.sent
  expect(dropped.malformed).toBe(1)
  expect(dropped.tooMuch).toBeGreaterThan(10)
  expect(dropped.unsent).toBeGreaterThan(5)
  line.close('')
})
