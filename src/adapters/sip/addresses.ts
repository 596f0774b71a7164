/** Doors, peers and where messages come from. */

export type TransportKind = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'

/** The outside of a NAT. */
export interface External {
  readonly host: string
  /** Where the NAT forwards another port than ours. */
  readonly port?: number
  /** Who is on our side of it, and is told the bound address. Absent: nobody. */
  readonly spares?: (ip: string) => boolean
}

export interface BoundAddress {
  readonly transport: TransportKind
  readonly host: string
  readonly port: number
  /** What Via, Contact and SDP say instead of the bound address. */
  readonly external?: External
  /** Whom it is there for, and who is called through it before any other door. Absent: everybody. */
  readonly leadsTo?: (ip: string) => boolean
  /** Opened for calls of ours: of others, only what belongs to those, to accounts and to trunks may come in by it. */
  readonly oursOnly?: true
}

/** One door. Port 0: any free one. */
export interface ListenAddress extends BoundAddress {
  /** Needed for 'tls' and 'wss': PEM. */
  readonly certificate?: { readonly cert: string | Buffer; readonly key: string | Buffer }
  /** For 'ws' and 'wss': pages that may connect, besides those of our own address. */
  readonly origins?: readonly string[]
}

/** Where a message came from. */
export interface Source {
  readonly transport: TransportKind
  readonly ip: string
  readonly port: number
  /** The door it came in by. */
  readonly local: BoundAddress
  /** Whoever wrote it is there: by a connection, or with a nonce of ours that was sent there. Absent: perhaps not. */
  readonly isProven?: boolean
}

export interface Target {
  readonly transport: TransportKind
  readonly ip: string
  readonly port: number
  /** The name a TLS certificate must bear. */
  readonly name: string
}
