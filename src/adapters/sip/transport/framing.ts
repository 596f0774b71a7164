/** Cuts a byte stream into SIP messages by Content-Length (RFC 3261 18.3), within limits that hold before it grows. */
export interface FrameEvents {
  message(bytes: Buffer): void
  ping(): void
}

const emptyLine = Buffer.from('\r\n\r\n')
const lengthLine = /(?:^|\n)(?:content-length|l)[ \t]*:[ \t]*([^\r\n]*)/gi
const nothing = Buffer.alloc(0)

export class StreamFramer {
  readonly #events: FrameEvents
  readonly #maxBytes: number
  #pending: Buffer = nothing
  /** Total length of the message whose headers are complete; 0 before. */
  #expected = 0
  #searched = 0

  constructor(maxBytes: number, events: FrameEvents) {
    this.#maxBytes = maxBytes
    this.#events = events
  }

  /** Takes what came. Returns why the stream cannot be read any further, if so. */
  push(chunk: Buffer): string | undefined {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    for (;;) {
      if (this.#expected === 0) {
        this.#skipEmptyLines()
        const problem = this.#readLength()
        if (problem !== undefined) return problem
      }
      if (this.#expected === 0 || this.#pending.length < this.#expected) return undefined
      const message = this.#pending.subarray(0, this.#expected)
      this.#take(this.#expected)
      this.#events.message(message)
    }
  }

  #take(bytes: number): void {
    this.#pending = this.#pending.subarray(bytes)
    this.#expected = 0
    this.#searched = 0
  }

  /** Two empty lines between messages are a ping. */
  #skipEmptyLines(): void {
    let at = 0
    while (this.#pending[at] === 0x0d && this.#pending[at + 1] === 0x0a) {
      at += 2
      if (at % 4 === 0) this.#events.ping()
    }
    if (at > 0) this.#take(at)
  }

  #readLength(): string | undefined {
    const end = this.#pending.indexOf(emptyLine, Math.max(0, this.#searched - 3))
    if (end < 0) {
      this.#searched = this.#pending.length
      return this.#searched > this.#maxBytes
        ? `more than ${this.#maxBytes} bytes without an end of headers`
        : undefined
    }
    const values = [...this.#pending.toString('latin1', 0, end).matchAll(lengthLine)].map(match =>
      match[1]!.trim(),
    )
    const length = values.length === 1 && /^\d{1,9}$/.test(values[0]!) ? Number(values[0]) : Number.NaN
    if (Number.isNaN(length)) return `content-length is '${values.join(', ')}'`
    this.#expected = end + emptyLine.length + length
    return this.#expected > this.#maxBytes ? `a message of ${this.#expected} bytes` : undefined
  }
}
