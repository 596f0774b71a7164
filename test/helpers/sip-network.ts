/** A network of datagrams on a clock that a test turns: it delays, loses and remembers. */
import type { OpenDatagramPort } from '../../src/adapters/sip/transport/udp.ts'
import type { ManualClock } from './manual-clock.ts'

export interface Datagram {
  readonly text: string
  readonly from: string
  readonly to: string
  readonly lost: boolean
}

export class SipNetwork {
  readonly #clock: ManualClock
  readonly #ports = new Map<string, (bytes: Buffer, ip: string, port: number) => void>()
  /** Whether a datagram is lost. */
  drop: (datagram: Omit<Datagram, 'lost'>) => boolean = () => false
  readonly sent: Datagram[] = []

  constructor(clock: ManualClock) {
    this.#clock = clock
  }

  readonly open: OpenDatagramPort = async (host, port) => {
    const here = `${host}:${port}`
    let listener: (bytes: Buffer, ip: string, port: number) => void = () => undefined
    this.#ports.set(here, (bytes, ip, from) => listener(bytes, ip, from))
    return {
      port,
      send: (bytes, toPort, ip) => this.send(bytes, host, port, `${ip}:${toPort}`),
      onDatagram: to => {
        listener = to
      },
      close: async () => void this.#ports.delete(here),
    }
  }

  /** As if somebody at that address had sent it. */
  send(bytes: Buffer, ip: string, port: number, to: string): void {
    const datagram = { text: bytes.toString(), from: `${ip}:${port}`, to }
    const lost = this.drop(datagram)
    this.sent.push({ ...datagram, lost })
    if (!lost) this.#clock.after(1000, () => this.#ports.get(to)?.(bytes, ip, port))
  }

  /** First lines, in their order. */
  lines(): string[] {
    return this.sent.map(({ text }) => text.slice(0, text.indexOf('\r\n')))
  }
}
