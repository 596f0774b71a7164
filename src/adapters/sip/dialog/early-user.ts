import type { ServerExchange } from '../server/server-exchange.ts'

/** The INVITE that an early dialog belongs to. */
export interface EarlyUser {
  /** PRACK, BYE and UPDATE; false when the session may answer it itself. */
  receive(exchange: ServerExchange): boolean
  /** Our side ends the call before its 2xx could be sent. */
  abandon(): void
}
