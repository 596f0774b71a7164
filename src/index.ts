/**
 * Crosspoint as a library: `await using gateway = await createGateway({ rtmp: { listen: ':1935' } })`.
 * Everything named here is public and kept stable; nothing else is.
 */
export type {
  Access,
  Adapter,
  AdapterContext,
  CallAccess,
  Capability,
  ConfigSchema,
  HttpExchange,
  HttpMount,
  Listener,
  Logger,
  PeerCommand,
  PeerDescription,
  PulledSource,
} from './adapters/adapter.ts'
export { adapters } from './adapters/index.ts'
export type { Bridge, BridgeInfo } from './bridges/bridge.ts'
export type { BridgeRequest, Bridges } from './bridges/bridges.ts'
export type { LegInfo } from './bridges/leg-info.ts'
export { type Config, type ConfigInput, parseConfig, readConfigFile } from './config/config.ts'
export { describePlan } from './core/describe.ts'
export { createScope } from './core/scope.ts'
export type {
  Accept,
  Closable,
  CloseCode,
  CloseReason,
  Egress,
  EgressSink,
  LinkStats,
  OpenTrack,
  Plan,
  PlannedTrack,
  Pressure,
  Publication,
  PublishOptions,
  Registry,
  RegistryEvents,
  Scope,
  SkippedTrack,
  StreamInfo,
  SubscribeOptions,
  SubscriberInfo,
  Subscription,
  SubscriptionStats,
  Track,
  TrackInfo,
  TrackSpec,
  TrackStats,
  TrackWriter,
} from './core/types.ts'
export { ERRORS, type ErrorCode, GatewayError } from './errors.ts'
export type { EventFacts, EventFilter, EventType, GatewayEvent } from './events/event.ts'
export type { EventLog } from './events/log.ts'
export { createGateway, type Gateway, type GatewayOptions } from './gateway.ts'
export type {
  AudioCodec,
  CodecId,
  CodecParameters,
  Form,
  Frame,
  Kind,
  RtpPacket,
  VideoCodec,
} from './media/types.ts'
export { maskUrls } from './observe/mask-urls.ts'
