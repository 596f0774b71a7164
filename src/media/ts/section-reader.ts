/** Sections of program specific information, ISO/IEC 13818-1 section 2.4.4. */
import { uint16 } from '../bytes.ts'

/** table_id, length, id, version, section numbers and checksum. */
const MIN_SECTION_BYTES = 12
const MAX_SECTION_BYTES = 1024

const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit += 1) crc = crc < 0 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1
  return crc
})

/** CRC-32 of annex A: that over a section with its own checksum is 0. */
export const mpegCrc = (bytes: Uint8Array, start: number, end: number): number => {
  let crc = -1
  for (let at = start; at < end; at += 1) crc = (crc << 8) ^ crcTable[((crc >>> 24) ^ bytes[at]!) & 0xff]!
  return crc >>> 0
}

/** One whole section whose checksum is right. `body` is lent: what lies between the section numbers and the checksum. */
export interface Section {
  readonly tableId: number
  /** transport_stream_id or program_number. */
  readonly id: number
  readonly version: number
  readonly body: Uint8Array
}

export interface SectionEvents {
  onSection(section: Section): void
  onDamage(cause: string): void
}

/** Puts the sections of one PID together. */
export class SectionReader {
  readonly #events: SectionEvents
  readonly #bytes = new Uint8Array(MAX_SECTION_BYTES)
  #length = 0
  #begun = false

  constructor(events: SectionEvents) {
    this.#events = events
  }

  /** A packet of the PID was lost. */
  interrupt(): void {
    this.#begun = false
  }

  push(packet: Uint8Array, start: number, end: number, unitStart: boolean): void {
    if (!unitStart) {
      this.#append(packet, start, end)
      return
    }
    const first = start + 1 + packet[start]!
    if (first > end) {
      this.#damaged('pointer past the end of its packet')
      return
    }
    this.#append(packet, start + 1, first)
    this.#length = 0
    this.#begun = true
    this.#append(packet, first, end)
  }

  /** Takes bytes in; several sections may lie one behind the other. */
  #append(packet: Uint8Array, start: number, end: number): void {
    let at = start
    while (this.#begun && at < end) {
      if (this.#length === 0 && packet[at] === 0xff) {
        this.#begun = false // stuffing up to the end of the packet
        return
      }
      const taken = Math.min(end - at, this.#missing())
      this.#bytes.set(packet.subarray(at, at + taken), this.#length)
      this.#length += taken
      at += taken
      if (this.#length >= 3) this.#checkLength()
      if (this.#begun && this.#length >= 3 && this.#missing() === 0) this.#finish()
    }
  }

  /** Bytes up to the end of the section, or of its first three while the length is not known. */
  #missing(): number {
    return (this.#length < 3 ? 3 : this.#total()) - this.#length
  }

  #total(): number {
    return 3 + (uint16(this.#bytes, 1) & 0x0fff)
  }

  #checkLength(): void {
    const total = this.#total()
    if (total < MIN_SECTION_BYTES || total > MAX_SECTION_BYTES) this.#damaged(`section of ${total} bytes`)
  }

  #finish(): void {
    const bytes = this.#bytes
    const end = this.#length
    this.#length = 0
    if (mpegCrc(bytes, 0, end) !== 0) {
      this.#damaged('section with a wrong checksum')
      return
    }
    // current_next_indicator: one that is not yet in force comes again when it is.
    if ((bytes[5]! & 1) === 0) return
    this.#events.onSection({
      tableId: bytes[0]!,
      id: uint16(bytes, 3),
      version: (bytes[5]! >> 1) & 0x1f,
      body: bytes.subarray(8, end - 4),
    })
  }

  #damaged(cause: string): void {
    this.#begun = false
    this.#length = 0
    this.#events.onDamage(cause)
  }
}
