/**
 * The payload of one video track: sequence headers to parameters, frame bytes to units. One implementation a
 * codec.
 */
import type { CodecParameters } from '../types.ts'

export interface VideoPayload {
  /** In force for the next frame, undefined until known. A new object only after a change of content. */
  readonly params: CodecParameters | undefined
  /** Takes a sequence header. Throws GatewayError when it cannot be read. */
  configure(record: Uint8Array): void
  /** Units of a frame, as views, without parameter sets; those update `params`. undefined: damaged. */
  read(body: Uint8Array, start: number, end: number): readonly Uint8Array[] | undefined
  /** The units themselves say that decoding can start here, whatever the tag says. */
  isKey(units: readonly Uint8Array[]): boolean
  /** The pictures were seen to be out of order. */
  markReordered(): void
}
