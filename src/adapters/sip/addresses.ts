/** Doors, peers and where messages come from. */

export type TransportKind = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'

/** One door. */
export interface ListenAddress {
  readonly transport: TransportKind
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** What Via and Contact say instead of the bound address: the outside of a NAT. */
  readonly external?: { readonly host: string; readonly port?: number }
  /** Needed for 'tls' and 'wss': PEM. */
  readonly certificate?: { readonly cert: string | Buffer; readonly key: string | Buffer }
}

export interface BoundAddress {
  readonly transport: TransportKind
  readonly host: string
  readonly port: number
  readonly external?: { readonly host: string; readonly port?: number }
}

/** Where a message came from. */
export interface Source {
  readonly transport: TransportKind
  readonly ip: string
  readonly port: number
  /** The door it came in by. */
  readonly local: BoundAddress
}

export interface Target {
  readonly transport: TransportKind
  readonly ip: string
  readonly port: number
  /** The name a TLS certificate must bear. */
  readonly name: string
}
