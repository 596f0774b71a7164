/** A name that comes or goes is a decision: it is made here too. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import * as crosspoint from '../../src/index.ts'

const source = readFileSync(join(import.meta.dirname, '../../src/index.ts'), 'utf8')

test('values', () => {
  expect(Object.keys(crosspoint).sort()).toEqual([
    'ERRORS',
    'GatewayError',
    'adapters',
    'createGateway',
    'createScope',
    'describePlan',
    'maskUrls',
    'parseConfig',
    'readConfigFile',
  ])
})

test('types', () => {
  const names = [...source.matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(([, all, list]) =>
    list!
      .split(',')
      .map(name => name.trim())
      .filter(name => name !== '' && (all !== undefined || name.startsWith('type ')))
      .map(name => name.replace(/^type /, '')),
  )
  expect(names.sort()).toEqual([
    'Accept',
    'Access',
    'Adapter',
    'AdapterContext',
    'AudioCodec',
    'Bridge',
    'BridgeInfo',
    'BridgeRequest',
    'Bridges',
    'CallAccess',
    'Capability',
    'Closable',
    'CloseCode',
    'CloseReason',
    'CodecId',
    'CodecParameters',
    'Config',
    'ConfigInput',
    'ConfigSchema',
    'Egress',
    'EgressSink',
    'ErrorCode',
    'EventFacts',
    'EventFilter',
    'EventLog',
    'EventType',
    'Form',
    'Frame',
    'Gateway',
    'GatewayEvent',
    'GatewayOptions',
    'HttpExchange',
    'HttpMount',
    'Kind',
    'LegInfo',
    'LinkStats',
    'Listener',
    'Logger',
    'OpenTrack',
    'PeerCommand',
    'PeerDescription',
    'Plan',
    'PlannedTrack',
    'Pressure',
    'Publication',
    'PublishOptions',
    'PulledSource',
    'Registry',
    'RegistryEvents',
    'RtpPacket',
    'Scope',
    'SkippedTrack',
    'StreamInfo',
    'SubscribeOptions',
    'SubscriberInfo',
    'Subscription',
    'SubscriptionStats',
    'Track',
    'TrackInfo',
    'TrackSpec',
    'TrackStats',
    'TrackWriter',
    'VideoCodec',
  ])
})

test('nothing is exported wholesale', () => {
  expect(source).not.toMatch(/export \*/)
})
